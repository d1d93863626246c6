/* SPDX-License-Identifier: Apache-2.0
 * stagewatchctl: asks stagewatchd, and tells it to pause. */
#include "ctl/ctl.h"

int main(int argc, char **argv)
{
	return ctl_main(argc, argv);
}
