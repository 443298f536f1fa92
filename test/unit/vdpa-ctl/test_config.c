/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

/* Load `text` as a file; it is called in messages what `path` says. */
static int
load(struct config *config, const char *text, struct reason *why)
{
	char path[] = "/tmp/test_config.XXXXXX";
	int ret;
	int fd;

	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	ret = config_load(config, path, why);
	unlink(path);
	return ret;
}

/* It is refused, and the message has the line and the words. */
static void
refused(const char *text, unsigned int line, const char *words)
{
	struct reason why = { "" };
	struct config config;
	char place[16];

	assert_int_not_equal(load(&config, text, &why), 0);
	snprintf(place, sizeof(place), ":%u: ", line);
	if (strstr(why.text, place) == NULL || strstr(why.text, words) == NULL)
		fail_msg("'%s' should have '%s' and '%s'", why.text, place, words);
	assert_null(config.ports);
}

static void
example_is_valid(void **state)
{
	struct reason why = { "" };
	struct config config;

	(void)state;
	if (config_load(&config, EXAMPLE, &why) != 0)
		fail_msg("%s", why.text);
	assert_int_equal(config.count, 2);
	assert_string_equal(config.ports[0].name, "vm1-net0");
	assert_string_equal(config.ports[0].device, "0000:3b:00.2");
	assert_string_equal(config.ports[0].socket, "/run/vdpa-ctl/vm1-net0.sock");
	assert_int_equal(config.ports[0].mode, SPEC_MODE_SERVER);
	assert_int_equal(config.ports[0].queues, 4);
	assert_string_equal(config.ports[0].group, "kvm");
	assert_int_equal(config.ports[1].mode, SPEC_MODE_CLIENT);
	assert_int_equal(config.ports[1].queues, 0);
	config_free(&config);
}

static void
empty_is_no_ports(void **state)
{
	struct reason why = { "" };
	struct config config;

	(void)state;
	assert_int_equal(load(&config, "", &why), 0);
	assert_int_equal(config.count, 0);
	assert_int_equal(load(&config, "ports: []\n", &why), 0);
	assert_int_equal(config.count, 0);
	config_free(&config);
}

#define PORT(name, device, socket) \
	"  - name: " name "\n    device: " device "\n    socket: " socket "\n"

static void
keys(void **state)
{
	(void)state;
	refused("prots: []\n", 1, "prots");
	refused("ports:\n" PORT("a", "b", "/s") "    quues: 4\n", 5, "quues");
	refused("ports:\n" PORT("a", "b", "/s") "    quues: 4\n", 5, "queues");
	refused("ports:\n" PORT("a", "b", "/s") "    name: c\n", 5, "name");
	refused("ports:\n  - name: a\n    device: b\n", 2, "socket");
}

static void
values(void **state)
{
	(void)state;
	refused("ports: 3\n", 1, "ports is a list");
	refused("ports:\n" PORT("[a]", "b", "/s"), 2, "name");
	refused("ports:\n" PORT("a b", "b", "/s"), 2, "letters");
	refused("ports:\n" PORT("a", "'b,queues=99'", "/s"), 3, "PCI address");
	refused("ports:\n" PORT("a", "pci/3b:0", "/s"), 3, "PCI address");
	refused("ports:\n" PORT("a", "b", "s"), 4, "absolute");
	refused("ports:\n" PORT("a", "b", "/x/../s"), 4, "'..'");
	refused("ports:\n" PORT("a", "b", "/s") "    mode: both\n", 5, "server");
	refused("ports:\n" PORT("a", "b", "/s") "    mode: client\n    group: kvm\n", 6, "guest");
	refused("ports:\n" PORT("a", "b", "/s") "    queues: 65\n", 5, "64");
	refused("ports:\n" PORT("a", "b", "/s") "    queues: -1\n", 5, "64");
	refused("ports:\n" PORT("a", "b", "/s") "    queues: four\n", 5, "number");
}

static void
duplicates(void **state)
{
	(void)state;
	refused("ports:\n" PORT("a", "d1", "/s1") PORT("a", "d2", "/s2"), 5, "names are unique");
	refused("ports:\n" PORT("a", "d1", "/s1") PORT("b", "d1", "/s2"), 6, "one device");
	refused("ports:\n" PORT("a", "d1", "/s1") PORT("b", "d2", "/s1"), 7, "one socket");
	/* The same function in three spellings is one device. */
	refused("ports:\n" PORT("a", "pci/0000:3B:00.2", "/s1") PORT("b", "3b:00.2", "/s2"), 6,
		"one device");
}

static void
hostile_bytes(void **state)
{
	struct reason why = { "" };
	struct config config;
	char *deep;

	(void)state;
	refused("ports: \xff\xfe\n", 0, "libyaml");
	refused("ports:\n - *a\n", 2, "alias");
	deep = malloc(CONFIG_SIZE_MAX + 2);
	memset(deep, '[', CONFIG_SIZE_MAX + 1);
	deep[5000] = '\0';
	assert_int_not_equal(load(&config, deep, &why), 0);
	deep[5000] = '[';
	deep[CONFIG_SIZE_MAX + 1] = '\0';
	assert_int_equal(load(&config, deep, &why), -EFBIG);
	free(deep);
	assert_int_equal(config_load(&config, "/", &why), -EIO);
	assert_int_equal(config_load(&config, "/nonexistent/file", &why), -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_is_valid),
		cmocka_unit_test(empty_is_no_ports),
		cmocka_unit_test(keys),
		cmocka_unit_test(values),
		cmocka_unit_test(duplicates),
		cmocka_unit_test(hostile_bytes),
	};

	return cmocka_run_group_tests_name("vdpa-ctl-config", tests, NULL, NULL);
}
