/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of the doctor, as doctor_checks[] has them: of the session (doctor_session.c), of the host
 * (doctor_host.c), of its cluster and of what runs keep there (doctor_cluster.c). */
#pragma once
#include "reconcile/doctor.h"

typedef enum doctor_state doctor_look(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy);

doctor_look doctor_connection, doctor_start, doctor_agent, doctor_name, doctor_powershell, doctor_elevation;
doctor_look doctor_hyper_v, doctor_pnp_device, doctor_cim_cmdlets, doctor_failover_clusters, doctor_live_moves;
doctor_look doctor_clock, doctor_observation;
doctor_look doctor_build, doctor_edition, doctor_sriov, doctor_gpus, doctor_policy;
doctor_look doctor_cluster, doctor_access, doctor_quorum, doctor_folder, doctor_lease;

/* Certainly no node of a failover cluster. */
bool doctor_is_standalone(const struct doctor_facts *facts);
