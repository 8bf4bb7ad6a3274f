/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that ask the program to end, counted, so that work can be brought to a safe end first. */
#pragma once

/* From now on SIGINT (Ctrl-C), SIGTERM (a service manager) and SIGHUP (the terminal was closed) are counted instead of
 * ending the process, but for those that are ignored already; SIGHUP only as the first of all. Reads that wait are broken
 * off. Returns the counter, which lives as long as the process. */
const volatile int *interrupt_count(void);

/* Writing to a pipe that nobody reads, or beyond a file size limit, fails instead of ending the process. Children get the default back. */
void interrupt_ignore_pipes(void);
