/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/virtual_time.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_MS = 1000 * 1000, MS_PER_S = 1000 };

/* Milliseconds since the program began; read and moved by one thread at a time. */
static int64_t passed_ms = MS_PER_S;
static int64_t day_ms; /* added to it, that is the time of day */

void virtual_time_set(int64_t now)
{
	day_ms = now * MS_PER_S - passed_ms;
}

void virtual_time_pass(uint32_t ms)
{
	passed_ms += ms;
}

static bool is_of_process(clockid_t clock)
{
	return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
	if (is_of_process(clock))
		return (int)syscall(SYS_clock_gettime, clock, out);
	int64_t ms = passed_ms + (clock == CLOCK_REALTIME ? day_ms : 0);
	*out = (struct timespec){ ms / MS_PER_S, ms % MS_PER_S * NS_PER_MS };
	return 0;
}

/* Whoever would wait for ever waits for another thread, and really does. */
int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	const struct timespec none = { 0 };
	if (timeout < 0)
		return (int)syscall(SYS_ppoll, fds, n, NULL, NULL, 0);
	int ready = (int)syscall(SYS_ppoll, fds, n, &none, NULL, 0);
	if (!ready && timeout > 0)
		virtual_time_pass((uint32_t)timeout);
	return ready;
}
