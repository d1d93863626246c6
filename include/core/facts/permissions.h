/* SPDX-License-Identifier: Apache-2.0
 * Whether this program may do what it would have to do, as far as was seen. */
#pragma once

enum permission {
	PERMISSION_UNKNOWN, /* not tried, or the answer told neither */
	PERMISSION_GRANTED,
	PERMISSION_DENIED
};

/* "unknown", "granted", "denied". */
const char *permission_name(enum permission s);

/* What is asked of an Airflow. */
enum airflow_right {
	AIRFLOW_RIGHT_LOGIN,
	AIRFLOW_RIGHT_READ,  /* list DAGs and task instances */
	AIRFLOW_RIGHT_FAIL,  /* set a task instance to failed */
	AIRFLOW_RIGHT_CLEAR, /* clear one */
	AIRFLOW_RIGHT_MAX
};

const char *airflow_right_name(enum airflow_right r);
