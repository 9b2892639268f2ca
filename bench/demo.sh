#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The demo company: generated, loaded, served; the keys and one curl line for each dialect are printed.
# DAYBOOK_DEMO_ORDERS, DAYBOOK_DEMO_LISTEN and DAYBOOK_DEMO_DIR choose others than a million orders, port 8080 and
# build/demo.
set -euo pipefail
cd "$(dirname "$0")/.."

daybook=$PWD/build/daybook
orders=${DAYBOOK_DEMO_ORDERS:-1000000}
listen=${DAYBOOK_DEMO_LISTEN:-127.0.0.1:8080}
home=${DAYBOOK_DEMO_DIR:-build/demo}
data=$home/data
day=$(date -u +%F)

# The company trades until today, so that every preset has something to say; yesterday's is made anew.
if [ "$(cat "$home/made" 2>/dev/null || true)" != "$orders $day" ]; then
    rm -rf "$home"
    mkdir -p "$home"
    echo "making a company of $orders orders" >&2
    "$daybook" gen --orders "$orders" --until today --dir "$home/csv" >"$home/entropy.txt"
    for table in categories vendors providers cash_registers markets customers products variants offers offer_variants \
        fx_rates orders order_lines payments vendor_payments provider_assignments subscriptions; do
        "$daybook" load --data "$data" --tenant demo --table "$table" "$home/csv/$table.csv"
    done
    "$daybook" tenant set --data "$data" --tenant demo --currency EUR --timezone Europe/Berlin >/dev/null
    rm -rf "$home/csv"
    echo "$orders $day" >"$home/made"
fi

"$daybook" serve --data "$data" --listen "$listen" >"$home/serve.out" &
server=$!
trap 'kill $server 2>/dev/null; wait $server' EXIT
trap 'exit 0' INT TERM
until grep -q '^listening on ' "$home/serve.out"; do
    kill -0 $server 2>/dev/null || exit 1
    read -rt 0.1 <> <(:) || true
done
url=$(sed -n 's/^listening on //p' "$home/serve.out")

key=$("$daybook" keys create --data "$data" --tenant demo --scope reports:read,products:read --name demo 2>/dev/null)
load_key=$("$daybook" keys create --data "$data" --tenant demo --scope ingest:write --name demo-load 2>/dev/null)

cat <<EOF

Daybook serves the demo company on $url

  key for reports and products   $key
  key for loading                $load_key

  # Distribu: sales of this month, by day and by status
  curl '$url/api/v1/reports/sales?preset=month' -H 'Authorization: Bearer $key'
  curl '$url/api/v1/reports/customers?preset=today' -H 'Authorization: Bearer $key'
  curl '$url/api/v1/products?limit=3' -H 'Authorization: Bearer $key'

  # 23blocks: orders of this month by week, payments by method
  export BLOCKS_API_URL='$url' BLOCKS_AUTH_TOKEN='$key' BLOCKS_API_KEY=demo
  curl -X POST "\$BLOCKS_API_URL/reports/orders/summary" -H "Authorization: Bearer \$BLOCKS_AUTH_TOKEN" -H "AppId: \$BLOCKS_API_KEY" \\
       -H 'Content-Type: application/json' -d '{"report":{"group_by":"week"}}'
  curl -X POST "\$BLOCKS_API_URL/reports/payments/summary" -H "Authorization: Bearer \$BLOCKS_AUTH_TOKEN" -H "AppId: \$BLOCKS_API_KEY"

  # Point of sale: today's tickets in windows of four hours
  curl '$url/v1/reports?from=$(date -u +%F)&groupBy=4h' -H 'Authorization: Bearer $key'

  # STOQ: preorder revenue of the last thirty days, by week
  curl '$url/api/v2/external/preorders/reports/revenue?granularity=week' -H 'X-Auth-Token: $key'

  # One more order, stored and visible when the answer comes
  curl '$url/ingest/orders' -H 'Authorization: Bearer $load_key' -H 'Content-Type: application/x-ndjson' \\
       -d '{"id":"hello-1","created_at":"$(date -u +%FT%TZ)","status":"SUBMITTED","total":"12.50","currency":"EUR"}'

  # The same numbers in a terminal
  build/daybook report --data $data --tenant demo sales --preset month

Ctrl-C stops the server.
EOF
wait $server
