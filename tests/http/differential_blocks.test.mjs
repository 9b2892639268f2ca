// SPDX-License-Identifier: Apache-2.0
// The eleven reports of the 23blocks dialect against DuckDB: random companies, random questions, whole bodies.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Company, DAYS, FIRST, expected, load, reports, tables } from './differential/blocks.mjs'
import { Duck } from './differential/oracle.mjs'
import { Random, runSeed } from './differential/random.mjs'
import { ask } from './support/blocks.mjs'
import { createKey, ok, serve, temporary } from './support/daybook.mjs'

const seed = runSeed()
const data = temporary()
const folder = temporary()
let server
let duck
let asked = 0

before(async () => {
  console.log(`differential blocks: DBK_SEED=${seed}`)
  server = await serve(data)
  duck = await Duck.start()
})

after(async () => {
  console.log(`differential blocks: ${asked} answers compared`)
  duck.close()
  await server.stop()
})

function dateOf(r) {
  return new Date(FIRST + r.int(-5, DAYS + 5) * 86_400_000).toISOString().slice(0, 10)
}

function question(r, report) {
  const [a, b] = [dateOf(r), dateOf(r)]
  const fields = { start_date: a < b ? a : b, end_date: a < b ? b : a }
  const isVendor = report.includes('providers') || report.includes('vendors')
  if (r.chance(0.6)) fields.group_by = r.pick(['day', 'week', 'month', ...(isVendor ? ['vendor'] : report.startsWith('users') ? ['model'] : [])])
  if (r.chance(0.35)) fields.status = r.pick(['pending', 'SUBMITTED', 'delivered', 'Cancelled', 'paid', 'confirmed', 'on hold', 'active', 'expired', 'été', 'a "WORD"', 'none'])
  if (r.chance(0.3)) fields.currency = r.pick(['JPY', 'kwd', 'EUR', 'CHF'])
  if (r.chance(0.25)) fields.vendor_id = r.pick(['vendor 1', 'vendor 2', 'nobody'])
  if (r.chance(0.25)) fields.payment_method = r.pick(['card', 'Card', 'cash', 'wire "x"', 'stripe'])
  if (r.chance(0.2)) fields.include = ['breakdown']
  if (report.endsWith('/list') && r.chance(0.6)) {
    if (r.chance(0.8)) fields.page = r.int(1, 6)
    if (r.chance(0.8) || !fields.page) fields.per_page = r.pick([1, 7, 50, 400])
  }
  return fields
}

async function fill(tenant, key, company, counts) {
  for (const [table, count] of Object.entries(counts)) {
    const rows = company.make(table, count)
    if (table === 'vendors') rows.forEach((row, i) => Object.assign(row, { id: `vendor ${i + 1}`, name: i % 3 ? `Vendor "${i}"` : undefined }))
    const lines = rows.map((row) => JSON.stringify(row)).join('\n') + '\n'
    const file = join(folder, `${tenant}-${table}.ndjson`)
    await writeFile(file, lines)
    await load(duck, table, file)
    const answer = await server.ingest(table, key, lines)
    assert.deepEqual(answer.json, { stored: rows.length, rejected: [] }, table)
  }
}

for (const [tenant, zone, currency, rows, questions] of [
  ['utc', 'UTC', 'EUR', 300, 40], ['berlin', 'Europe/Berlin', 'EUR', 1500, 40], ['york', 'America/New_York', 'JPY', 40, 30], ['many', 'Europe/Berlin', 'EUR', 6000, 4]
])
  test(`the eleven reports give the answers of DuckDB: ${rows} rows a table, ${zone}`, async () => {
    const r = new Random(seed + rows)
    await ok(['tenant', 'set', '--data', data, '--tenant', tenant, '--timezone', zone, '--currency', currency])
    const key = await createKey(data, tenant)
    const counts = Object.fromEntries(Object.keys(tables).map((table) => [table, table === 'vendors' ? 4 : rows]))
    await fill(tenant, key, new Company(r, currency), counts)
    for (const report of Object.keys(reports))
      for (let i = 0; i < questions; i++) {
        const fields = question(r, report)
        const [answer, want] = await Promise.all([ask(server, report, key, { report: fields }), expected(duck, { zone, currency }, report, fields)])
        asked++
        assert.equal(answer.status, 200, answer.body)
        if (answer.body === want) continue
        const at = [...want].findIndex((c, j) => c !== answer.body[j])
        assert.fail(`${report} ${JSON.stringify(fields)} (DBK_SEED=${seed})\nDuckDB:  …${want.slice(Math.max(0, at - 80), at + 120)}\nDaybook: …${answer.body.slice(Math.max(0, at - 80), at + 120)}`)
      }
  })
