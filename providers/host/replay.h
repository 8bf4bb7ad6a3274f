/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts that answer as a recording says (record.h), without any host: replay:FILE.
 *
 * The requests of each host must come in the order in which they were recorded, over all sessions of this process: the
 * same kind of request and step, on the same thing. The answer is then the recorded one, progress first; run, epoch and
 * time may differ. Any other request is HOST_PROTOCOL, with a message that names the line of FILE and the difference,
 * and so is one behind the last. A request that was never answered is not answered here either.
 *
 * FILE is read whole when its first host is opened; what is wrong in it is HV408, with the line.
 */
#pragma once
#include "providers/host/host.h"

extern const struct host_provider replay_provider;
