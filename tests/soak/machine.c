// SPDX-License-Identifier: MIT
/* Events of the machine: a processor goes offline, a driver is unbound, a suspend. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/edus.h"
#include "lib/guest.h"
#include "lib/imports.h"
#include "lib/quotas.h"
#include "soak/soak.h"

#define PROCESSOR "/sys/devices/system/cpu/cpu1/online"
#define POWER "/sys/power/"
#define EDU_DRIVER "/sys/bus/pci/drivers/bufalloc-importer-edu/"

/* Refused while the other event of that kind is under way. */
static int cut_processor(struct random *random)
{
	int ret = write_string(PROCESSOR, "0");

	if (ret)
		return ret == -EBUSY ? 0 : soak_wrong("a processor does not go: %d", ret);
	usleep(random_below(random, 1000000));
	ret = write_string(PROCESSOR, "1");
	if (ret)
		return soak_wrong("a processor does not come back: %d", ret);
	soak_count(OFFLINES);
	return 0;
}

/* The kernel turns around at a level, as if the machine had slept. */
static int sleep_to(const char *level)
{
	int ret, restored;

	/* Nobody looks at the frozen machine. */
	write_string("/sys/module/suspend/parameters/pm_test_delay", "0");
	ret = write_string(POWER "pm_test", level);
	if (!ret)
		ret = write_string(POWER "state", "mem");
	restored = write_string(POWER "pm_test", "none");
	return ret ? ret : restored;
}

static int suspend(struct random *random)
{
	static const char *const levels[] = {
		"freezer",
		"devices",
		"platform",
		"processors",
		"core",
	};
	const char *level = levels[random_below(random, ARRAY_SIZE(levels))];
	int ret = sleep_to(level);

	/* A task or a device may be in the midst of something. */
	if (ret == -EBUSY || ret == -EAGAIN) {
		soak_count(SUSPENDS_REFUSED);
		return 0;
	}
	if (ret)
		return soak_wrong("suspend to %s: %d", level, ret);
	soak_count(SUSPENDS);
	return 0;
}

/* As far as the freezer, since nothing keeps an image here. */
static int hibernate(void)
{
	int ret;

	write_string("/sys/module/hibernate/parameters/pm_test_delay", "0");
	ret = write_string(POWER "pm_test", "freezer");
	if (!ret)
		ret = write_string(POWER "disk", "shutdown");
	if (!ret)
		ret = write_string(POWER "state", "disk");
	write_string(POWER "pm_test", "none");
	/*
	 * Memory that an image would not have, a task that cannot be frozen yet, or no
	 * room for an image.
	 */
	if (ret == -EBUSY || ret == -EAGAIN || ret == -ENOMEM)
		return 0;
	if (ret)
		return soak_wrong("hibernation: %d", ret);
	soak_count(HIBERNATIONS);
	return 0;
}

/* Its driver leaves a device, whatever is mapped there, and comes back. */
static int unbind(struct random *random)
{
	struct importer_facts facts;
	int importer = importer_open(), ret;

	ret = importer_facts(importer, IMPORTER_DEVICE_EDU_0 + random_below(random, 2),
			     &facts);
	close(importer);
	if (ret)
		return soak_wrong("a device is not there: %d", ret);
	ret = write_string(EDU_DRIVER "unbind", facts.out_name);
	usleep(random_below(random, 300000));
	if (!ret)
		ret = write_string(EDU_DRIVER "bind", facts.out_name);
	if (ret)
		return soak_wrong("a driver does not leave, or does not come back: %d", ret);
	soak_count(UNBINDS);
	return 0;
}

/* Less than is held already: all requests are refused for a while. */
static int cut_quota(struct random *random)
{
	struct quotas before, less;
	int ret;

	ret = quotas_read(&before);
	if (ret)
		return soak_wrong("the quotas cannot be read: %d", ret);
	less = before;
	less.max[random_below(random, QUOTAS)] = random_below(random, 64);
	ret = quotas_write(&less);
	usleep(random_below(random, 500000));
	if (!ret)
		ret = quotas_write(&before);
	if (ret)
		return soak_wrong("the quotas cannot be written: %d", ret);
	soak_count(QUOTAS_CUT);
	return 0;
}

int work_machine(struct random *random)
{
	usleep(random_below(random, 4000000));
	switch (random_below(random, 8)) {
	case 0:
	case 1:
		return suspend(random);
	case 2:
		return cut_quota(random);
	case 3:
		return hibernate();
	case 4:
		/* The kernel would rightly complain of what is mapped. */
		return edus_may_leave_mapped() ? unbind(random) : 0;
	default:
		return cut_processor(random);
	}
}

void machine_restore(void)
{
	write_string(PROCESSOR, "1");
	write_string(POWER "pm_test", "none");
}
