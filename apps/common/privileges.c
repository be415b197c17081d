// SPDX-License-Identifier: BSD-2-Clause
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/common.h"

void app_keep_privileges(uint32_t keep)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { 0 };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* where it is forbidden to ask there is nothing to drop */
	if (syscall(SYS_capget, &head, data))
		return;
	keep &= data[0].permitted;
	memset(data, 0, sizeof(data));
	data[0].permitted = keep;
	data[0].effective = keep;
	syscall(SYS_capset, &head, data);
}
