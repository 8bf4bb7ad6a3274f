/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/plan.h"

NAMES_DEFINE(change_kind_names, CHANGE_KINDS);

enum exit_code plan_exit(const struct plan *plan)
{
	enum exit_code code = plan->diags ? plan->diags->exit : EXIT_DONE;
	if (plan->n_refusals)
		code = exit_worse(code, EXIT_REFUSED);
	if (plan->incomplete_hosts)
		code = exit_worse(code, EXIT_INCOMPLETE);
	return code;
}

bool plan_has_steps(const struct plan *plan)
{
	return plan->n_steps > 0;
}
