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

/* EBUSY: the kernel takes no processor offline now. */
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

/* Suspend to a level of pm_test, from which the kernel resumes at once. */
static int sleep_to(const char *level)
{
	int ret, restored;

	/* Do not stay suspended: by default the kernel waits 5 seconds. */
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

	/* A task or a device may be busy. */
	if (ret == -EBUSY || ret == -EAGAIN) {
		soak_count(SUSPENDS_REFUSED);
		return 0;
	}
	if (ret)
		return soak_wrong("suspend to %s: %d", level, ret);
	soak_count(SUSPENDS);
	return 0;
}

/* Hibernate up to the freezer only: no device can store an image here. */
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
	 * EBUSY: buffers live that an image would not save, or a task cannot be frozen yet. ENOMEM:
	 * there is no room for an image.
	 */
	if (ret == -EBUSY || ret == -EAGAIN || ret == -ENOMEM)
		return 0;
	if (ret)
		return soak_wrong("hibernation: %d", ret);
	soak_count(HIBERNATIONS);
	return 0;
}

/* Unbind the driver of a device, even while buffers are mapped, and bind it again. */
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

/* Set a quota below the bytes or buffers in use: requests are refused for a while. */
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
		/* CONFIG_DMA_API_DEBUG complains of a driver that leaves mappings, and rightly. */
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
