// SPDX-License-Identifier: Apache-2.0
// The part of the data dictionary that the differential test plays with, said again in its own words: column
// types and what references point to.

const T = 'text'
const C = 'code'
const M = 'money'
const I = 'int'
const B = 'bool'
const TIME = 'time'

export const tables = {
  categories: { columns: { id: C, name: T } },
  markets: { columns: { id: C, name: T } },
  customers: { columns: { id: C, name: T, email: T, created_at: TIME, updated_at: TIME } },
  products: {
    columns: {
      id: C, name: T, sku: T, category_id: C, unit: C, price: M, stock: I, is_active: B, created_at: TIME,
      updated_at: TIME
    }
  },
  variants: { columns: { id: C, product_id: C, name: T, sku: T } },
  orders: {
    time: 'created_at',
    columns: {
      id: T, created_at: TIME, updated_at: TIME, kind: C, status: C, customer_id: C, currency: C, subtotal: M,
      discount: M, shipping: M, tax: M, tip: M, total: M, payment_method: C, market_id: C, confirmed_at: TIME,
      completed_at: TIME, cancelled_at: TIME, cancel_reason: C
    }
  },
  order_lines: {
    time: 'created_at',
    columns: {
      id: T, order_id: T, created_at: TIME, product_id: C, variant_id: C, quantity: I, unit_price: M, discount: M,
      total: M, deposit: M, cancelled_at: TIME, cancel_reason: C, refunded: M
    }
  },
  payments: {
    time: 'created_at',
    columns: {
      id: T, created_at: TIME, order_id: T, line_id: T, customer_id: C, kind: C, status: C, method: C, amount: M,
      currency: C
    }
  }
}

export const references = {
  customer_id: 'customers', product_id: 'products', category_id: 'categories', market_id: 'markets',
  variant_id: 'variants', order_id: 'orders', line_id: 'order_lines'
}

export const isInteger = (type) => type !== T && type !== C

// The table, column and type that a path such as "product_id.category_id.name" ends at.
export function resolve(table, path) {
  const steps = path.split('.')
  const column = steps.pop()
  for (const step of steps) table = references[step]
  return { table, column, type: tables[table].columns[column] }
}

// How DuckDB keeps a column: integers in Daybook's stored units.
export const duckType = (type) => (isInteger(type) ? 'BIGINT' : 'VARCHAR')

// From the text of a CSV cell to the stored value, in SQL.
export function duckParse(type, text) {
  switch (type) {
    case 'money':
      return `CAST(CAST(${text} AS DECIMAL(24,4)) * 10000 AS BIGINT)`
    case 'time':
      return `epoch_ms(CAST(${text} AS TIMESTAMPTZ))`
    case 'bool':
      return `CASE ${text} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END`
    case 'int':
      return `CAST(${text} AS BIGINT)`
    default:
      return `NULLIF(${text}, '')`
  }
}
