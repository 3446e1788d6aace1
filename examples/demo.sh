#!/bin/sh
# memex's main job on the sample conversation, as a new user would do it. Nothing is left behind.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
question='What did we decide about deploying the ticket shop on Fridays?'

run() {
    printf '\n$ memex'
    for word in "$@"; do
        case $word in *' '*) printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac
    done
    printf '\n'
    memex "$@"
}

export MEMEX_STORE=sqlite:chats.db MEMEX_CHAIN=recall,fifo MEMEX_BUDGET=2000 MEMEX_BACKEND=quote
echo "A conversation of nine months, a budget of $MEMEX_BUDGET tokens, the chain $MEMEX_CHAIN, no key and no network."
run import "$here/harbour.jsonl" --thread harbour
run send "$question" --thread harbour
run explain --thread harbour
run explain 35 --thread harbour
run explain 200 --thread harbour
run send '舟釘は尾道のどこに頼みますか。親方は誰ですか。' --thread harbour
run replay --thread harbour
