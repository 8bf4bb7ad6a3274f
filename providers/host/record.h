/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decorator that writes down what another provider's sessions are asked and answer, for replay (replay.h): to show
 * somebody else what a host did, or to make a test of it.
 *
 * Address: record:FILE,ADDRESS
 *
 * Lines are added to the end of FILE (recording.h says how they look); a FILE that holds something else is not touched.
 * Requests and replies pass unchanged. When FILE cannot be written any more, a warning says so, and the recording ends
 * there: what is being done on hosts goes on.
 */
#pragma once
#include "providers/host/host.h"

extern const struct host_provider record_provider;
