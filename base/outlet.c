/* SPDX-License-Identifier: Apache-2.0 */
#include "base/outlet.h"

#include <errno.h>
#include <glib.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

enum { WAIT_MS = 100 };

struct outlet {
	int fd;
	GString *kept;
	size_t n_done; /* of these, written already */
	bool failed;
};

struct outlet *outlet_new(int fd)
{
	struct outlet *outlet = g_new0(struct outlet, 1);
	outlet->fd = fd;
	outlet->kept = g_string_new(NULL);
	return outlet;
}

void outlet_free(struct outlet *outlet)
{
	if (!outlet)
		return;
	g_string_free(outlet->kept, TRUE);
	g_free(outlet);
}

/* A pipe that is ready takes PIPE_BUF bytes without blocking (pipe(7)). False: it is not ready, or all is written. */
static bool write_some(struct outlet *outlet, int wait_ms)
{
	struct pollfd ready = { .fd = outlet->fd, .events = POLLOUT };
	size_t left = outlet->kept->len - outlet->n_done;
	if (outlet->failed || !left || poll(&ready, 1, wait_ms) <= 0)
		return false;
	ssize_t n = write(outlet->fd, outlet->kept->str + outlet->n_done, MIN(left, (size_t)PIPE_BUF));
	if (n < 0)
		outlet->failed = errno != EINTR && errno != EAGAIN;
	else
		outlet->n_done += (size_t)n;
	if (outlet->n_done == outlet->kept->len) {
		g_string_truncate(outlet->kept, 0);
		outlet->n_done = 0;
	}
	return true;
}

void outlet_put(struct outlet *outlet, const char *bytes, size_t n)
{
	if (outlet->failed)
		return;
	g_string_append_len(outlet->kept, bytes, (gssize)n);
	while (write_some(outlet, 0))
		;
}

void outlet_flush(struct outlet *outlet, const volatile int *interrupts, int most)
{
	while (outlet->kept->len && !outlet->failed && (!interrupts || *interrupts <= most))
		write_some(outlet, WAIT_MS);
}

bool outlet_has_failed(const struct outlet *outlet)
{
	return outlet->failed;
}
