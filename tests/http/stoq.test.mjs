// SPDX-License-Identifier: Apache-2.0
// STOQ's catalogue, help and nine reads over HTTP, rule by rule, on a shop small enough to add up by hand.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { REPO, createKey, ok, serve, temporary } from './support/daybook.mjs';

const BASE = '/api/v2/external';
const REPORTS = `${BASE}/preorders/reports`;
const NAMES = ['summary', 'revenue', 'by_offer', 'by_variant', 'by_product', 'by_date', 'cancellations',
               'balance_collection', 'customers'];
const NOW = '2026-05-28T12:00:00Z';
const LAMPS = '11111111-1111-4111-8111-111111111111';
const MUGS = '22222222-2222-4222-8222-222222222222';
const NOBODY = '99999999-9999-4999-8999-999999999999';

const data = temporary();
let server;
let token;
let loadKey;

function get(path, headers = {}) {
    return server.request(path, { headers: { 'x-auth-token': token, ...headers } });
}

// A read that must succeed.
async function read(name, query = '') {
    const answer = await get(`${REPORTS}/${name}?${query}`);
    assert.equal(answer.status, 200, answer.body);
    return answer.json;
}

async function errors(name, query) {
    const answer = await get(`${REPORTS}/${name}?${query}`);
    assert.equal(answer.status, 422, answer.body);
    return answer.json.errors;
}

async function shop(tenant, { rates = true } = {}) {
    const key = await createKey(data, tenant, 'ingest:write,reports:read');
    const load = async (table, rows) => {
        const answer = await server.ingest(table, key, rows);
        assert.equal(answer.status, 200, answer.body);
        assert.equal(answer.json.rejected.length, 0, answer.body);
    };
    await load('customers', [{ id: 'c1', name: 'Ada', email: 'ada@x.example' }, { id: 'c2', name: 'Bo' }]);
    await load('products', [{ id: 'lamp', name: 'Lamp', sku: 'L' }, { id: 'mug', name: 'Mug', sku: 'M' }]);
    await load('variants', [{ id: 'lamp-s', product_id: 'lamp', name: 'Small', sku: 'L-S' },
                            { id: 'lamp-l', product_id: 'lamp', name: 'Large', sku: 'L-L' },
                            { id: 'mug-1', product_id: 'mug', name: 'One', sku: 'M-1' }]);
    await load('offers', [{ id: LAMPS, name: 'Lamps in June' }, { id: MUGS, name: 'Mugs' }]);
    await load('offer_variants', [{ offer_id: LAMPS, variant_id: 'lamp-s' }, { offer_id: LAMPS, variant_id: 'lamp-l' },
                                  { offer_id: MUGS, variant_id: 'mug-1' }]);
    if (rates) await load('fx_rates', [{ date: '2026-05-03', base: 'USD', quote: 'EUR', rate: '0.912345678' }]);
    await load('orders', [
        { id: 'o1', created_at: '2026-05-01T10:00:00Z', kind: 'preorder', status: 'open', customer_id: 'c1',
          currency: 'EUR', total: '40', market_id: 'm1' },
        { id: 'o2', created_at: '2026-05-03T10:00:00Z', kind: 'preorder', status: 'open', customer_id: 'c2',
          currency: 'USD', total: '10', market_id: 'm2' },
        { id: 'o3', created_at: '2026-05-10T10:00:00Z', kind: 'preorder', status: 'gone', customer_id: 'c1',
          currency: 'EUR', total: '20', cancelled_at: '2026-05-12T10:00:00Z' },
        { id: 'o4', created_at: '2026-05-11T10:00:00Z', kind: 'standard', status: 'open', customer_id: 'c1',
          currency: 'EUR', total: '500' },
        // The last moment of the 20th in Berlin, and the first of the 21st.
        { id: 'o5', created_at: '2026-05-20T21:59:59.999Z', kind: 'preorder', status: 'open', currency: 'EUR', total: '7' },
        { id: 'o6', created_at: '2026-05-20T22:00:00Z', kind: 'preorder', status: 'open', customer_id: 'c1',
          currency: 'EUR', total: '9' },
    ]);
    const line = (id, order, offer, variant, quantity, total, deposit, more = {}) => ({
        id, order_id: order, offer_id: offer, product_id: variant.split('-')[0], variant_id: variant, quantity, total, deposit, ...more });
    await load('order_lines', [
        line('l1', 'o1', LAMPS, 'lamp-s', 2, '30', '9'),
        line('l2', 'o1', MUGS, 'mug-1', 1, '10', '10', { cancelled_at: '2026-05-05T00:00:00Z', cancel_reason: 'too slow' }),
        line('l3', 'o2', LAMPS, 'lamp-s', 1, '10', '3'),
        line('l4', 'o3', MUGS, 'mug-1', 4, '20', '5'),
        line('l5', 'o4', MUGS, 'mug-1', 5, '500', '0'),
        line('l6', 'o5', MUGS, 'mug-1', 1, '7', '0'),
        line('l7', 'o6', MUGS, 'mug-1', 1, '9', '0'),
        { id: 'l8', order_id: 'o1', product_id: 'mug', variant_id: 'mug-1', quantity: 1, total: '99' },
    ]);
    await load('payments', [
        { id: 'p1', created_at: '2026-05-01T10:00:00Z', order_id: 'o1', line_id: 'l1', kind: 'deposit', status: 'confirmed', amount: '9', currency: 'EUR' },
        { id: 'p2', created_at: '2026-05-15T10:00:00Z', order_id: 'o1', line_id: 'l1', kind: 'balance', status: 'failed', amount: '21', currency: 'EUR' },
        { id: 'p3', created_at: '2026-05-16T10:00:00Z', order_id: 'o1', line_id: 'l1', kind: 'balance', status: 'confirmed', amount: '20', currency: 'EUR' },
        { id: 'p4', created_at: '2026-05-14T10:00:00Z', order_id: 'o3', line_id: 'l4', kind: 'refund', status: 'confirmed', amount: '5', currency: 'EUR' },
        { id: 'p5', created_at: '2026-05-14T10:00:00Z', order_id: 'o4', line_id: 'l5', kind: 'refund', status: 'confirmed', amount: '77', currency: 'EUR' },
        { id: 'p6', created_at: '2026-05-17T10:00:00Z', order_id: 'o2', line_id: 'l3', kind: 'deposit', status: 'confirmed', amount: '3', currency: 'USD' },
    ]);
    await ok(['tenant', 'set', '--data', data, '--tenant', tenant, '--currency', 'EUR', '--timezone', 'Europe/Berlin']);
    return key;
}

before(async () => {
    server = await serve(data, { env: { DAYBOOK_NOW: NOW } });
    loadKey = await shop('t');
    token = await createKey(data, 't', 'reports:read');
});

after(() => server.stop());

const MAY = 'from=2026-05-01&to=2026-05-31';

test('S1, S2: the catalogue names every report with its aliases and absolute path', async () => {
    const { json } = await get(REPORTS);
    assert.deepEqual(json.reports.map(({ name }) => name), NAMES);
    for (const { name, description, aliases, url } of json.reports) {
        assert.equal(url, `${REPORTS}/${name}`);
        assert.ok(description.endsWith('.') && aliases.length >= 1);
    }
});

test('S3, S56: help has the schemas of what the reports take, at every level and by prefix', async () => {
    const { json } = await get(`${REPORTS}/help`);
    assert.deepEqual([json.version, json.base_path], ['v2', BASE]);
    const revenue = json.actions.find(({ method, path }) => method === 'GET' && path === '/preorders/reports/revenue');
    const { properties } = revenue.request_schema;
    assert.deepEqual(properties.granularity.enum, ['day', 'week', 'month']);
    assert.equal(properties.granularity.default, 'day');
    assert.equal(properties.include_deposits.default, true);
    assert.deepEqual(Object.keys(properties).filter((name) => /page/.test(name)), []);
    const customers = json.actions.find(({ path }) => path === '/preorders/reports/customers').request_schema.properties;
    assert.deepEqual([customers.per_page.minimum, customers.per_page.maximum, customers.per_page.default], [1, 250, 25]);
    const prefixed = await get(`${BASE}/help?prefix=/preorders/reports`);
    assert.deepEqual(prefixed.json, json);
    assert.deepEqual((await get(`${BASE}/help?prefix=/preorders/offers`)).json.actions, []);
});

// The JSON Schemas of what reports take and answer, made by the program from its registry.
async function operations() {
    const { paths } = (await server.request('/openapi.json')).json;
    return NAMES.map((name) => {
        const { parameters, responses } = paths[`${REPORTS}/${name}`].get;
        return { name, parameters, answer: responses['200'].content['application/json'].schema };
    });
}

function expectShape(value, schema, where) {
    const types = [schema.type].flat();
    const type = value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) && !types.includes('number') ? 'integer' : typeof value;
    assert.ok(types.includes(type), `${where} is ${JSON.stringify(value)}, not ${types}`);
    if (schema.pattern && value !== null) assert.match(value, new RegExp(schema.pattern), where);
    if (schema.properties) {
        assert.deepEqual(Object.keys(value), Object.keys(schema.properties), where);
        for (const [key, member] of Object.entries(schema.properties)) expectShape(value[key], member, `${where}.${key}`);
    }
    if (schema.items) value.forEach((member, i) => expectShape(member, schema.items, `${where}[${i}]`));
}

test('S51, S57: skill.md and llms.txt are there for anybody and have every action', async () => {
    const { actions } = (await get(`${REPORTS}/help`)).json;
    const skill = await server.request(`${BASE}/preorders/skill.md`);
    assert.equal(skill.status, 200);
    assert.equal(skill.headers['content-type'], 'text/markdown; charset=utf-8');
    const rows = skill.body.split('\n').filter((line) => /^\| `(GET|POST|DELETE)`/.test(line)).map((line) => line.split(' | '));
    assert.deepEqual(
        rows.map(([method, path, what, names]) => [method.slice(3, -1), path.slice(1, -1), what, names.replace(/ ?\|$/, '')]).sort(),
        actions.map(({ method, path, description, aliases }) => [method, path, description, aliases.join(', ')]).sort());
    for (const name of new Set(actions.flatMap((action) => Object.keys(action.request_schema.properties))))
        assert.ok(skill.body.includes(`\n| \`${name}\` | `), name);
    const index = await server.request('/llms.txt');
    assert.equal(index.status, 200);
    assert.equal(index.headers['content-type'], 'text/plain; charset=utf-8');
    const links = [...index.body.matchAll(/\]\((\/[^)]*)\)/g)].map(([, path]) => path);
    assert.ok(links.includes(`${BASE}/preorders/skill.md`));
    for (const path of links) assert.equal((await get(path)).status, 200, path);
    assert.equal((await server.request(`${BASE}/preorders/skill.md`, { method: 'POST', headers: { 'x-auth-token': token } })).status, 404);
});

test('S4–S12, SA1, SA3, X19: every read answers the keys, order and types that its declaration says', async () => {
    for (const { name, answer } of await operations())
        for (const query of [`${MAY}&offer_ids=${LAMPS},${MUGS}`, `from=2025-01-01&to=2025-01-01&offer_id=${LAMPS}`]) {
            const got = await read(name, query);
            expectShape(got, answer, name);
            assert.deepEqual(Object.keys(got).slice(0, 2), ['window', 'currency']);
        }
});

// Rows of the tables in a piece of Markdown, as lists of cells without back quotes.
function tableRows(text) {
    return text.split('\n').filter((line) => line.startsWith('| `')).map((line) => line.slice(2, -2).split(' | ').map((cell) => cell.trim()));
}

function typeName({ type, pattern, format }) {
    const [first, second] = [type].flat();
    const name = pattern ? 'money' : format ? 'date' : { string: 'text', number: 'ratio', boolean: 'flag' }[first] ?? first;
    return second ? `${name} or null` : name;
}

test('the tables of docs/api/stoq.md are those of the registry', async () => {
    const text = readFileSync(join(REPO, 'docs/api/stoq.md'), 'utf8');
    const described = await operations();
    for (const { name, answer } of described) {
        const section = text.split(`\n### ${name}\n`)[1].split('\n### ')[0];
        const sets = Object.entries(answer.properties).filter(([, schema]) => schema.items || (schema.properties && schema.description));
        const parts = section.split('\n**`').slice(1);
        assert.deepEqual(parts.map((part) => part.split('`')[0]), sets.map(([key]) => key), name);
        sets.forEach(([key, schema], i) => {
            const kind = schema.items ? 'a list' : 'an object';
            assert.ok(parts[i].startsWith(`${key}\`** (${kind}): ${schema.description}\n`), `${name}.${key}`);
            const columns = Object.entries((schema.items ?? schema).properties);
            assert.deepEqual(tableRows(parts[i]), columns.map(([column, member]) => [`\`${column}\``, typeName(member), member.description]), `${name}.${key}`);
        });
    }
    const takers = new Map();
    for (const { name, parameters } of described)
        for (const { name: parameter, description, schema } of parameters) {
            const taker = takers.get(parameter) ?? { description, standard: schema.default, reports: [] };
            taker.reports.push(name);
            takers.set(parameter, taker);
        }
    const rows = tableRows(text.split('## Parameters')[1].split('Both days are')[0]);
    assert.deepEqual(rows.map(([name, , standard, description, reports]) => [name, standard, description, reports]),
                     [...takers].map(([name, { description, standard, reports }]) =>
                         [`\`${name}\``, standard === undefined ? '' : `\`${standard}\``, description,
                          reports.length === NAMES.length ? 'all' : reports.map((report) => `\`${report}\``).join(', ')]));
});

test('S23, X16: both ends of the window are whole days of the shop\'s zone', async () => {
    const units = async (day) => (await read('summary', `from=${day}&to=${day}`)).totals.units;
    assert.deepEqual([await units('2026-05-19'), await units('2026-05-20'), await units('2026-05-21')], [0, 1, 1]);
});

test('SA2, S60: without dates the window is the last thirty days', async () => {
    assert.deepEqual((await read('summary')).window, { from: '2026-04-29', to: '2026-05-28' });
    assert.deepEqual((await read('summary', 'to=2026-03-01')).window, { from: '2026-01-31', to: '2026-03-01' });
});

test('S32, SA7: the summary has the split of payments and the best offers', async () => {
    // Lines: 30 + 10 + 10 USD (9.12345678) + 20 + 7 + 9. Deposits: 9 + 3 USD.
    // Outstanding: l1 30 - 9 - 20 = 1; l3 7 USD = 6.386419746; l6 7; l7 9; l2 and l4 are cancelled.
    const { totals, by_offer_top_5 } = await read('summary', MAY);
    assert.deepEqual(totals, {
        orders: 5, units: 10, revenue: '85.12', customers: 2, average_order_value: '17.02', deposits_collected: '11.74',
        balances_collected: '20.00', balances_outstanding: '23.39', cancelled_orders: 2, cancelled_units: 5 });
    assert.deepEqual(by_offer_top_5.map(({ offer_id, revenue }) => [offer_id, revenue]), [[MUGS, '46.00'], [LAMPS, '39.12']]);
});

test('SA11: what is outstanding is as of the end of `to`, cancellations fall on their own day', async () => {
    const outstanding = async (to) => (await read('summary', `from=${to}&to=${to}`)).totals.balances_outstanding;
    assert.equal(await outstanding('2026-05-01'), '21.00');
    assert.equal(await outstanding('2026-05-10'), '42.39'); // with 15 of o3, which is cancelled on the 12th
    assert.equal(await outstanding('2026-05-12'), '27.39');
    assert.equal(await outstanding('2026-05-16'), '7.39');
    assert.equal((await read('cancellations', 'from=2026-05-12&to=2026-05-12')).totals.cancelled_units, 4);
    assert.equal((await read('cancellations', 'from=2026-05-10&to=2026-05-11')).totals.cancelled_units, 0);
});

test('S27, S40, SA10: weeks have no gaps, bear their Monday and include the partial ones at both ends', async () => {
    const { rows, granularity } = await read('revenue', 'from=2026-01-01&to=2026-05-28&granularity=week');
    assert.equal(granularity, 'week');
    assert.equal(rows.length, 22);
    assert.deepEqual([rows[0].date, rows[1].date, rows[21].date], ['2025-12-29', '2026-01-05', '2026-05-25']);
    const days = await read('revenue', 'from=2026-03-28&to=2026-03-30');
    assert.deepEqual(days.rows.map(({ date }) => date), ['2026-03-28', '2026-03-29', '2026-03-30']);
    const months = await read('by_date', 'from=2026-01-31&to=2026-03-01&granularity=month');
    assert.deepEqual(months.rows.map(({ date }) => date), ['2026-01-01', '2026-02-01', '2026-03-01']);
});

test('S29, S33: revenue is the parts that are included, and says which', async () => {
    const both = await read('revenue', MAY);
    assert.deepEqual([both.include_deposits, both.include_balances], [true, true]);
    assert.deepEqual(both.totals, { orders: 5, units: 10, deposits: '26.74', balances: '58.38', revenue: '85.12' });
    const deposits = await read('revenue', `${MAY}&include_balances=0`);
    assert.deepEqual([deposits.totals.deposits, deposits.totals.balances, deposits.totals.revenue], ['26.74', null, '26.74']);
    const balances = await read('revenue', `${MAY}&include_deposits=false`);
    assert.deepEqual([balances.totals.deposits, balances.totals.balances, balances.totals.revenue], [null, '58.38', '58.38']);
});

test('SA5: one of the two parts must be included', async () => {
    assert.deepEqual(await errors('revenue', 'include_deposits=false&include_balances=false'),
                     ['at least one of include_deposits, include_balances must be true']);
});

test('S24, SA4: offers are a union in any of the ways to write a list; one that is not known is empty', async () => {
    const ways = [`offer_id=${LAMPS}&offer_ids[]=${MUGS}`, `offer_ids[]=${LAMPS}&offer_ids[]=${MUGS}`,
                  `offer_ids=${LAMPS},${MUGS}`, `offer_ids%5B%5D=${MUGS}&offer_ids%5B%5D=${LAMPS}&offer_id=${MUGS}`];
    const all = await read('by_offer', MAY);
    for (const way of ways) assert.deepEqual(await read('by_offer', `${MAY}&${way}`), all, way);
    const one = await read('by_offer', `${MAY}&offer_id=${LAMPS}`);
    assert.deepEqual(one.rows, [{ offer_id: LAMPS, offer_name: 'Lamps in June', orders: 2, units: 3, revenue: '39.12',
                                  deposits: '11.74', balances: '27.38', customers: 2 }]);
    const none = await read('by_offer', `${MAY}&offer_id=${NOBODY}`);
    assert.deepEqual([none.rows, none.totals.orders, none.totals.revenue], [[], 0, '0.00']);
    assert.deepEqual(await errors('by_offer', 'offer_id=17'), ['offer_id must be a UUID']);
});

test('S26: product, variant and market narrow what is counted', async () => {
    assert.equal((await read('summary', `${MAY}&product_id=mug`)).totals.units, 7);
    assert.equal((await read('summary', `${MAY}&variant_id=lamp-s`)).totals.units, 3);
    assert.equal((await read('summary', `${MAY}&market_id=m2`)).totals.units, 1);
    assert.equal((await read('by_offer', `${MAY}&product_id=mug`)).rows.length, 2, 'not a parameter of by_offer: ignored');
});

test('S28: metrics choose the columns', async () => {
    const { totals, rows } = await read('by_date', `${MAY}&metrics=units,refunds_issued&granularity=month`);
    assert.deepEqual(totals, { units: 10, refunds_issued: '5.00' });
    assert.deepEqual(rows, [{ date: '2026-05-01', units: 10, refunds_issued: '5.00' }]);
    assert.equal((await errors('by_date', 'metrics=units,profit')).length, 1);
});

test('S28: a metric that is not asked for is not computed: money that cannot be converted does not matter', async () => {
    await shop('no-usd-rate');
    const other = await createKey(data, 'no-usd-rate', 'reports:read,ingest:write');
    const rate = { date: '2026-05-03', base: 'GBP', quote: 'EUR', rate: '1' };
    const keep = token;
    token = other;
    try {
        assert.equal((await server.ingest('fx_rates', other, [rate])).status, 200);
        // The rate of one other day does not serve.
        const order = { id: 'o9', created_at: '2026-05-04T10:00:00Z', kind: 'preorder', status: 'open', currency: 'USD', total: '1' };
        assert.equal((await server.ingest('orders', other, [order])).status, 200);
        const line = { id: 'l9', order_id: 'o9', offer_id: MUGS, quantity: 1, total: '1' };
        assert.equal((await server.ingest('order_lines', other, [line])).status, 200);
        assert.deepEqual(await errors('by_date', MAY), ['no exchange rate from USD to EUR on 2026-05-04']);
        assert.equal((await read('by_date', `${MAY}&metrics=units`)).totals.units, 11);
    } finally {
        token = keep;
    }
});

test('SA6: without any rates only what is in the reporting currency counts', async () => {
    await shop('unrated', { rates: false });
    const keep = token;
    token = await createKey(data, 'unrated', 'reports:read');
    try {
        assert.deepEqual((await read('by_offer', MAY)).totals,
                         { orders: 4, units: 9, revenue: '76.00', deposits: '24.00', balances: '52.00', customers: 1 });
        assert.equal((await read('by_offer', `${MAY}&currency=usd`)).totals.revenue, '10.00');
    } finally {
        token = keep;
    }
});

test('S25: a currency that nothing can be converted to is refused with the pair and the day', async () => {
    assert.deepEqual(await errors('summary', `${MAY}&currency=CHF`), ['no exchange rate from EUR to CHF on 2026-05-01']);
});

test('S31, S36: by_variant wants an offer and shows attached variants without sales', async () => {
    assert.deepEqual(await errors('by_variant', MAY), ['offer_id is required']);
    const { rows } = await read('by_variant', `${MAY}&offer_id=${LAMPS}`);
    assert.deepEqual(rows.map(({ variant_id, variant_name, product_name, units, revenue, attached }) =>
        [variant_id, variant_name, product_name, units, revenue, attached]),
                     [['lamp-s', 'Small', 'Lamp', 3, '39.12', true], ['lamp-l', 'Large', 'Lamp', 0, '0.00', true]]);
});

test('S37: by_product rolls variants up', async () => {
    const { rows } = await read('by_product', MAY);
    assert.deepEqual(rows.map(({ product_id, product_name, variants, orders, units, revenue, customers }) =>
        [product_id, product_name, variants, orders, units, revenue, customers]),
                     [['mug', 'Mug', 1, 4, 7, '46.00', 1], ['lamp', 'Lamp', 1, 2, 3, '39.12', 2]]);
});

test('S35: cancellations by reason and offer; no reason is "unknown"; refunds are those of preorders', async () => {
    const { totals, by_reason, by_offer, rows } = await read('cancellations', MAY);
    assert.deepEqual(totals, { cancelled_orders: 2, cancelled_units: 5, cancelled_revenue: '30.00', refunds_issued: '5.00',
                               refund_count: 1, cancellation_rate: 0.5 });
    assert.deepEqual(by_reason, [{ reason: 'unknown', cancelled_orders: 1, cancelled_units: 4, cancelled_revenue: '20.00' },
                                 { reason: 'too slow', cancelled_orders: 1, cancelled_units: 1, cancelled_revenue: '10.00' }]);
    assert.deepEqual(by_offer, [{ offer_id: MUGS, offer_name: 'Mugs', cancelled_orders: 2, cancelled_units: 5,
                                  cancelled_revenue: '30.00', refunds_issued: '5.00' }]);
    assert.deepEqual(rows.map(({ reason, offer_id }) => [reason, offer_id]), [['unknown', MUGS], ['too slow', MUGS]]);
});

test('S34: balance_collection counts successes and failures', async () => {
    const { totals, rows } = await read('balance_collection', MAY);
    assert.deepEqual(totals, { balances_outstanding: '23.39', balances_collected: '20.00', balances_failed: '21.00',
                               balances_collected_count: 1, balances_failed_count: 1, collection_rate: 0.5 });
    assert.deepEqual(rows.map(({ offer_name, balances_outstanding, collection_rate }) =>
        [offer_name, balances_outstanding, collection_rate]), [['Mugs', '16.00', 0], ['Lamps in June', '7.39', 0.5]]);
});

test('S30, S38, SA9: customers come in pages, by id', async () => {
    const first = await read('customers', `${MAY}&per_page=1`);
    assert.deepEqual(first.customers, [{ customer_id: 'c1', customer_name: 'Ada', customer_email: 'ada@x.example', orders: 3,
                                         units: 8, revenue: '69.00', first_order_on: '2026-05-01', last_order_on: '2026-05-21' }]);
    assert.deepEqual(first.meta, { total_count: 2, page: 1, per_page: 1, total_pages: 2 });
    const second = await read('customers', `${MAY}&per_page=1&page=2`);
    assert.deepEqual(second.customers.map(({ customer_id, customer_email }) => [customer_id, customer_email]), [['c2', null]]);
    const beyond = await read('customers', `${MAY}&page=1000000000&per_page=250`);
    assert.deepEqual([beyond.customers, beyond.meta.total_count], [[], 2]);
    assert.equal((await read('customers')).meta.per_page, 25);
});

test('X6, S54: every bad parameter is named, all at once, with 422', async () => {
    assert.deepEqual(
        await errors('revenue', 'from=2026-02-30&to=soon&offer_id=x&offer_ids=1,2&currency=EURO&granularity=year' +
                                `&include_deposits=maybe&market_id=${'m'.repeat(65)}`),
        ['from must be a date (YYYY-MM-DD)', 'to must be a date (YYYY-MM-DD)', 'offer_id must be a UUID',
         'offer_ids must be a list of UUIDs', 'currency must be a three-letter currency code',
         'market_id must be at most 64 bytes', 'granularity must be one of: day, week, month',
         'include_deposits must be true or false']);
    assert.deepEqual(await errors('summary', 'from=2026-05-02&to=2026-05-01'), ['from must be on or before to']);
    assert.deepEqual(await errors('summary', 'from=1900-01-01&to=2026-05-01'), ['the window must be at most 36600 days']);
    for (const page of ['0', '-1', '1.5', 'x', '99999999999999999999'])
        assert.deepEqual(await errors('customers', `page=${page}`), ['page must be a whole number from 1 to 1000000000'], page);
    assert.deepEqual(await errors('customers', 'per_page=251'), ['per_page must be a whole number from 1 to 250']);
    const many = Array.from({ length: 101 }, (_, i) => LAMPS.slice(0, -3) + String(i).padStart(3, '0'));
    assert.deepEqual(await errors('by_offer', `offer_ids=${many}`), ['offer_ids must be at most 100 offers']);
    await read('by_offer', many.slice(1).map((id) => `offer_ids[]=${id}`).join('&'));
    const broken = await get(`${REPORTS}/summary?from=%ff`);
    assert.deepEqual([broken.status, broken.json], [400, { errors: ['Invalid query string.'] }]);
});

test('X23: parameters that a report does not take are ignored', async () => {
    assert.deepEqual(await read('summary', `${MAY}&granularity=fortnight&page=x&colour=red`), await read('summary', MAY));
});

test('S53: what does not exist is told by method and path below the base', async () => {
    for (const [method, path] of [['GET', '/preorders/offers/nope'], ['GET', '/preorders/reports/nope'], ['DELETE', '/preorders/reports']]) {
        const answer = await server.request(BASE + path, { method, headers: { 'x-auth-token': token } });
        assert.deepEqual([answer.status, answer.json], [404, { errors: [`No v2 action registered for ${method} ${path}`] }]);
    }
});

test('X3, S49: the token is a key with reports:read in X-Auth-Token', async () => {
    const bare = await server.request(REPORTS);
    assert.deepEqual([bare.status, bare.json], [401, { errors: ['Missing X-Auth-Token.'] }]);
    const wrong = await server.request(REPORTS, { headers: { 'x-auth-token': `${token.slice(0, -1)}!` } });
    assert.deepEqual([wrong.status, wrong.json], [401, { errors: ['Invalid, expired, or revoked X-Auth-Token.'] }]);
    const bearer = await server.get(REPORTS, token);
    assert.equal(bearer.status, 401);
    const other = await createKey(data, 't', 'products:read');
    const scope = await get(`${REPORTS}/summary`, { 'x-auth-token': other });
    assert.deepEqual([scope.status, scope.json], [403, { errors: ['This token lacks the "reports:read" scope.'] }]);
});

test('X24: one shop\'s token never sees another\'s', async () => {
    const stranger = await createKey(data, 'elsewhere', 'reports:read');
    const answer = await get(`${REPORTS}/summary?${MAY}`, { 'x-auth-token': stranger });
    assert.deepEqual([answer.json.totals.orders, answer.json.currency], [0, null]);
});

test('X22: the same question has the same bytes and a strong ETag; a change of the rows another', async () => {
    const first = await get(`${REPORTS}/by_date?${MAY}`);
    assert.match(first.headers.etag, /^"/);
    const again = await get(`${REPORTS}/by_date?${MAY}`, { 'if-none-match': first.headers.etag });
    assert.deepEqual([again.status, again.headers.etag], [304, first.headers.etag]);
    assert.equal(first.headers.vary, 'X-Auth-Token');
    const other = await get(`${REPORTS}/by_date?${MAY}&metrics=units`, { 'if-none-match': first.headers.etag });
    assert.equal(other.status, 200);
    assert.equal((await server.ingest('markets', loadKey, [{ id: 'm1', name: 'North' }])).status, 200);
    const changed = await get(`${REPORTS}/by_date?${MAY}`, { 'if-none-match': first.headers.etag });
    assert.equal(changed.status, 200);
});

test('S50, S58: 360 points a minute for all tokens of a shop, told with every answer', async () => {
    const [one, two] = await Promise.all([1, 2].map(() => createKey(data, 'limited', 'reports:read', [])));
    const ask = (key) => get(REPORTS, { 'x-auth-token': key });
    const before = Math.floor(Date.now() / 1000);
    const first = await ask(one);
    assert.equal(first.headers['x-ratelimit-limit'], '360');
    assert.equal(first.headers['x-ratelimit-remaining'], '359');
    assert.ok(Number(first.headers['x-ratelimit-reset']) >= before + 1);
    assert.equal((await ask(two)).headers['x-ratelimit-remaining'], '358');
    for (let i = 0; i < 358; i++) assert.equal((await ask(one)).status, 200, `after ${i}`);
    const refused = await ask(two);
    assert.equal(refused.status, 429);
    assert.equal(refused.headers['x-ratelimit-remaining'], '0');
    assert.equal(refused.headers['retry-after'], String(refused.json.retry_after));
    assert.equal(refused.json.error, 'Rate limit exceeded');
    assert.match(refused.json.message, /^You have exceeded the rate limit of 360 points per 60 seconds\. Read requests cost 1 point\(s\)/);
});

test('properties: what is by offer, variant, product and date adds up to the totals', async () => {
    const units = (rows) => rows.reduce((all, row) => all + row.units, 0);
    const cents = (text) => Math.round(Number(text) * 100);
    const { totals } = await read('by_offer', `${MAY}&currency=EUR`);
    for (const [name, query] of [['by_offer', ''], ['by_variant', `&offer_ids=${LAMPS},${MUGS}`], ['by_product', ''], ['by_date', ''],
                                 ['revenue', '&granularity=week']]) {
        const answer = await read(name, MAY + query);
        assert.equal(units(answer.rows), totals.units, name);
        assert.equal(answer.totals.revenue, totals.revenue, name);
        for (const row of [answer.totals, ...answer.rows])
            if ('deposits' in row) assert.equal(cents(row.deposits) + cents(row.balances), cents(row.revenue), name);
    }
});
