/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts as a file shows them: snapshot:FILE, of HostState documents, as `hvgpu observe` prints them. It is only looked
 * at; everything else is refused with HOST_READ_ONLY. The file is parsed once for all of its hosts, however many, and
 * its 'observed_at' stays what it is, for the age of a snapshot matters.
 */
#pragma once
#include "providers/host/host.h"

extern const struct host_provider snapshot_provider;
