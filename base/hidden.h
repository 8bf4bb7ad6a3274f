/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables of our environment that no program which we start inherits, for they hold secrets. One list for the whole
 * process, for child.h and proc.h; it only grows. Not for several threads at a time.
 */
#pragma once

void hidden_add(const char *name);

/* 'variables' without them, as g_environ_unsetenv() does it: takes the list and gives it back. */
char **hidden_remove(char **variables);
