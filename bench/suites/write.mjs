// SPDX-License-Identifier: Apache-2.0
// Single durable writes from 64 connections: one order through /ingest, and one order placed (customer looked up, price
// taken from the catalogue, stock taken, order, line and audit entry stored), each beside the PostgreSQL transaction
// that stores the same rows with the same promise; and, as the most that HTTP can give here, the same requests to a bare
// libh2o handler that stores nothing.
import fs from 'node:fs'
import path from 'node:path'
import { placement } from '../support/apart.mjs'
import { atOnce } from '../support/clients.mjs'
import { cell, inTurns, median, spread } from '../support/figures.mjs'
import { startPostgres } from '../support/postgres.mjs'
import { bareHandler, makeKey, serve } from '../support/process.mjs'
import { daybook, must, options, results, runSeconds, work } from '../support/world.mjs'

const PRODUCTS = 1000

function prepareDaybook(folder) {
  fs.rmSync(folder, { recursive: true, force: true })
  fs.mkdirSync(work(), { recursive: true })
  const files = {
    products: `id,name,price,stock,is_active\n${Array.from({ length: PRODUCTS }, (_, i) => `p${i + 1},Product ${i + 1},12.50,1000000000,true`).join('\n')}\n`,
    customers: `id,name,email\n${Array.from({ length: PRODUCTS }, (_, i) => `c${i + 1},Customer ${i + 1},c${i + 1}@example.com`).join('\n')}\n`
  }
  for (const [table, text] of Object.entries(files)) {
    const file = path.join(work(), `${table}.csv`)
    fs.writeFileSync(file, text)
    must(daybook, ['load', '--data', folder, '--tenant', 'bench', '--table', table, file])
  }
}

// So many bodies as bench_rate wants them, each preceded by its length.
const framed = (count, body) => Array.from({ length: count }, (_, n) => { const text = body(n); return `${Buffer.byteLength(text)}\n${text}` }).join('')
const any = () => 1 + Math.floor(Math.random() * PRODUCTS)
let runs = 0
const oneOrder = (count) => {
  const run = runs++
  return framed(count, (n) => `{"id":"o-${run}-${n}","created_at":"2026-01-05T12:44:50.705Z","status":"SUBMITTED","total":"12.50","currency":"EUR","customer_id":"c1"}`)
}
const placedOrder = (count) => framed(count, () => `{"customerId":"c${any()}","items":[{"productId":"p${any()}","quantity":1}]}`)

const schema = `
CREATE TABLE customers (id text PRIMARY KEY, name text, email text);
CREATE TABLE products (id text PRIMARY KEY, name text, price numeric(18,4), stock bigint, is_active boolean);
CREATE TABLE orders (id text PRIMARY KEY, created_at timestamptz NOT NULL, status text NOT NULL, customer_id text, currency text, subtotal numeric(18,4), total numeric(18,4) NOT NULL);
CREATE TABLE order_lines (id text PRIMARY KEY, order_id text NOT NULL, created_at timestamptz, product_id text, quantity bigint NOT NULL, unit_price numeric(18,4), total numeric(18,4) NOT NULL);
CREATE TABLE audit_log (id text PRIMARY KEY, created_at timestamptz NOT NULL, actor text, action text NOT NULL, entity_type text, entity_id text, details text);
CREATE INDEX ON orders (created_at);
CREATE INDEX ON order_lines (created_at);
INSERT INTO customers SELECT 'c' || i, 'Customer ' || i, 'c' || i || '@example.com' FROM generate_series(1, ${PRODUCTS}) AS i;
INSERT INTO products SELECT 'p' || i, 'Product ' || i, 12.50, 1000000000, true FROM generate_series(1, ${PRODUCTS}) AS i;
CREATE SEQUENCE ids;
`
const insertOne = `INSERT INTO orders (id, created_at, status, customer_id, currency, total)
VALUES ('o-' || nextval('ids'), now(), 'SUBMITTED', 'c1', 'EUR', 12.50);
`
const placeOne = `\\set p random(1, ${PRODUCTS})
\\set c random(1, ${PRODUCTS})
WITH customer AS (SELECT id FROM customers WHERE id = 'c' || :c),
  product AS (UPDATE products SET stock = stock - 1 WHERE id = 'p' || :p AND is_active AND stock >= 1 RETURNING id, price),
  o AS (INSERT INTO orders SELECT 'o-' || nextval('ids'), now(), 'SUBMITTED', customer.id, 'EUR', product.price, product.price FROM customer, product RETURNING id, total),
  l AS (INSERT INTO order_lines SELECT o.id || '-1', o.id, now(), product.id, 1, product.price, product.price FROM o, product)
INSERT INTO audit_log SELECT 'aud-' || o.id, now(), 'key', 'order.placed', 'order', o.id, '{"itemCount":1}' FROM o;
`

export async function write() {
  const folder = path.join(work(), 'daybook-write')
  prepareDaybook(folder)
  const postgres = startPostgres()
  const server = await serve(folder) // with an event loop a processor, as it comes
  const bare = await bareHandler(Buffer.byteLength('{"stored":1,"rejected":[]}'))
  try {
    results.versions.postgres = postgres.version()
    postgres.sql(schema)
    const key = makeKey('orders:write,ingest:write', folder)
    // As many as are answered in some seconds here.
    const post = (url, target, perSecond, make, type) => {
      const count = Math.ceil(perSecond * runSeconds())
      return atOnce(`${url}${target}`, key, count, { connections: 64, bodies: make(count), type })
    }
    const rounds = options.repeat
    const rates = await inTurns({
      ingest: () => post(server.url, '/ingest/orders', 40000, oneOrder),
      insert: () => postgres.pgbench(insertOne, options.seconds),
      place: () => post(server.url, '/api/v1/orders', 20000, placedOrder, 'application/json'),
      transaction: () => postgres.pgbench(placeOne, options.seconds),
      answered: () => post(bare.url, 'ingest/orders', 40000, oneOrder)
    }, rounds)
    const show = (name, values) => `${name.padEnd(38)} ${cell(median(values).toFixed(0), 8)} /s (spread ${spread(values).toFixed(0)})`
    const ratios = { one: median(rates.ingest) / median(rates.insert), place: median(rates.place) / median(rates.transaction), most: median(rates.answered) / median(rates.insert), ofMost: median(rates.ingest) / median(rates.answered) }
    console.log(`\nwrite: single durable writes, 64 connections, median of ${rounds}; ${placement()}`)
    console.log(`  ${show('Daybook, POST /ingest/orders', rates.ingest)}`)
    console.log(`  ${show(`PostgreSQL ${results.versions.postgres}, one INSERT`, rates.insert)}  ${ratios.one.toFixed(2)} ×`)
    console.log(`  ${show('bare libh2o, the same POST, not stored', rates.answered)}  ${ratios.most.toFixed(2)} × PostgreSQL; Daybook's /ingest is ${ratios.ofMost.toFixed(2)} × of it`)
    console.log(`  ${show('Daybook, POST /api/v1/orders', rates.place)}`)
    console.log(`  ${show('PostgreSQL, the same rows and stock', rates.transaction)}  ${ratios.place.toFixed(2)} ×`)
    results.suites.write = { rates, ratios }
  } finally {
    bare.stop()
    await server.stop()
    postgres.stop()
  }
}
