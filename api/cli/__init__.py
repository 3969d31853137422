"""The `fieldward` command, a group of commands a file.

main        the command itself; errors → exit status
demo        demo, serve
workers     several processes that serve together
ask         query, token
database    db migrate | seed | import | floor | drift
policy      policy show | describe | check
policy_changes    policy propose | try | changes | change | approve | reject | withdraw | commit
policy_versions   policy versions | version | compare | status
policy_questions  policy explain | decide | who-can | matrix
policy_cases      policy cases
exchange    policy export | import
order       order list | show | add | set-status

gateway     the gateway in this process, asked without a socket
acting      who asks in the commands of policy and order
policy_source, edits_input   what a change is made of, as variables of GraphQL
whole       a version of the policy, whole
report      what a change of the policy does, in lines
output      what a command prints
"""

from api.cli.main import main

__all__ = ["main"]
