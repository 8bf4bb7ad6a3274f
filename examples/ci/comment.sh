#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Keeps one comment with the plan on a pull request: the first run writes it, later ones edit it in place. It is found by
# the hidden marker with which a plan in Markdown begins.
#
#   comment.sh PLAN.md        with GH_TOKEN, GITHUB_REPOSITORY and PULL_REQUEST in the environment
set -euo pipefail

body=$1
comments=repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments
marker='<!-- hvgpu:plan:'

# Only what a workflow wrote is edited; a person may have quoted the marker.
ids=$(gh api --paginate "$comments" --jq \
	".[] | select(.user.type == \"Bot\" and (.body | startswith(\"$marker\"))) | .id")
id=${ids%%$'\n'*}
if [ -n "$id" ]; then
	gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$body"
else
	gh api --silent --method POST "$comments" --field "body=@$body"
fi
