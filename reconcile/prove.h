/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a saved plan what these manifests ask for? Planning is a function of its inputs, and a saved plan holds all of them but
 * the manifests: the world, the time, the owner. So it is made again and must come out the same, but for where lines of
 * the manifests stand. Who forges a plan can then still lie about the world, and that is looked at when the plan is applied.
 */
#pragma once
#include "reconcile/run.h"

/* 'spec': of the commit that the plan says it was made from. 0, or -1 with HV412 that names the cluster. */
int prove_saved(const struct run *saved, const struct spec *spec, struct diags *diags);
