/* SPDX-License-Identifier: Apache-2.0 */
#include "base/interrupt.h"

#include <signal.h>
#include <stddef.h>

/* A signal handler can be given nothing, so this one value belongs to the process. */
static volatile int count;

static void note(int number)
{
	(void)number;
	count = count + 1;
}

const volatile int *interrupt_count(void)
{
	struct sigaction action = { .sa_handler = note };
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return &count;
}

void interrupt_ignore_pipes(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of its write, as a full disk is */
}
