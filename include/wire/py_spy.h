/* SPDX-License-Identifier: Apache-2.0
 * What "py-spy dump --json" (0.3 and 0.4) says of a Python process: a list of its threads, each
 * with "os_thread_id" and "frames", the innermost first, of "name", "filename" and "line". */
#pragma once

#include <stddef.h>

#include "core/facts/observation.h"

/* Where the user's code stands, "/srv/etl/train.py:57 load_prices (requests.get)": its innermost
 * frame that is neither of Python's library, nor of an installed package, nor of PySpark, and what
 * it calls; of an installed package where there is no other, the outermost. Of the thread whose id
 * is the pid, where that has such a frame, else of the first that has. At most PYTHON_PLACE_MAX
 * bytes, printable. *ret is NULL where the process runs nobody's code, as a worker does that waits
 * for rows. -EBADMSG with *reterr, -ENOMEM; the caller frees both. */
int py_spy_decode(const char *text, size_t len, char **ret, char **reterr);
