/* SPDX-License-Identifier: Apache-2.0 */
#include "base/interrupt.h"

#include <signal.h>
#include <stddef.h>

/* A signal handler can be given nothing, so this one value belongs to the process. */
static volatile int count;

/* A terminal that is closed says so more than once: the shell tells its jobs, and then the kernel does. Nobody wants to
 * be quicker by that. */
static void note(int number)
{
	if (number != SIGHUP || !count)
		count = count + 1;
}

const volatile int *interrupt_count(void)
{
	struct sigaction action = { .sa_handler = note };
	sigemptyset(&action.sa_mask);
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		struct sigaction before;
		sigaction(signals[i], NULL, &before);
		/* what whoever started us wants ignored stays so: nohup, a job in the background of a script */
		if (before.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
	return &count;
}

void interrupt_ignore_pipes(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of its write, as a full disk is */
}
