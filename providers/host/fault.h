/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decorator that spoils one request of another provider's sessions, for tests.
 *
 * Address: fault:nth=N&what=WHAT[&kind=REQUEST][&error=ERROR][&always=1],ADDRESS
 *
 *   nth     which of the requests of that kind (default: step) fails, from 1; counted over all sessions that were opened
 *           with the same address in one main context; always=1: that one and all later ones
 *   what    before     the request never reaches the host
 *           after      it takes effect, and its reply is the error
 *           drop       it takes effect, its reply is lost, and so is the connection: the session answers nothing more
 *           duplicate  it reaches the host twice; the reply is the second one's
 *           delay      it reaches the host a little later
 *   error   what the caller is told, by name; default unreachable
 */
#pragma once
#include "providers/host/host.h"

extern const struct host_provider fault_provider;
