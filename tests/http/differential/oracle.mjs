// SPDX-License-Identifier: Apache-2.0
// DuckDB, in memory, holding the same tables as the engine under test.
import { DuckDBInstance } from '@duckdb/node-api'
import { duckParse, duckType, tables } from './schema.mjs'

const quote = (text) => `'${text.replaceAll("'", "''")}'`

export class Duck {
  static async start() {
    const duck = new Duck()
    duck.instance = await DuckDBInstance.create(':memory:', { threads: '2' })
    duck.db = await duck.instance.connect()
    await duck.run("SET TimeZone = 'UTC'")
    // DuckDB 1.5.6 pushes what a top-N has found so far below a LEFT JOIN and then answers with rows that lost their
    // match. Without that step it sorts whole, which is slower and right.
    await duck.run("SET disabled_optimizers = 'top_n'")
    return duck
  }

  async run(sql) {
    await this.db.run(sql)
  }

  // Every cell as text or null: whoever asks casts to VARCHAR.
  async rows(sql) {
    return (await this.db.runAndReadAll(sql)).getRows()
  }

  // Rows of whole numbers.
  async append(table, rows) {
    const appender = await this.db.createAppender(table)
    for (const row of rows) {
      for (const value of row) appender.appendBigInt(BigInt(value))
      appender.endRow()
    }
    appender.closeSync()
  }

  async createTables() {
    for (const [name, { columns }] of Object.entries(tables)) {
      const types = Object.entries(columns).map(([column, type]) => `${column} ${duckType(type)}`)
      await this.run(`CREATE OR REPLACE TABLE ${name} (${types.join(', ')})`)
    }
  }

  // Inserts or replaces the rows of a CSV file; of rows with the same id the last counts. A line without time takes
  // its order's. Returns how many rows could not be stored because there was none.
  async load(table, file, header) {
    const { columns } = tables[table]
    const names = header.map((column) => `'${column}': 'VARCHAR'`)
    await this.run(`CREATE OR REPLACE TEMP TABLE texts AS SELECT * FROM read_csv(${quote(file)}, header = true,
      auto_detect = false, delim = ',', quote = '"', escape = '"', new_line = '\\n', parallel = false,
      columns = {${names.join(', ')}})`)
    const values = Object.entries(columns).map(([column, type]) => {
      const value = header.includes(column) ? duckParse(type, `texts.${column}`) : 'NULL'
      return table === 'order_lines' && column === 'created_at'
        ? `coalesce(${value}, orders.created_at) AS created_at`
        : `${value} AS ${column}`
    })
    const source = table === 'order_lines' ? 'texts LEFT JOIN orders ON orders.id = texts.order_id' : 'texts'
    await this.run(`CREATE OR REPLACE TEMP TABLE fresh AS SELECT ${values.join(', ')}, texts.rowid AS line FROM ${source}`)
    let refused = 0
    if (table === 'order_lines') {
      refused = Number((await this.rows('SELECT CAST(count(*) AS VARCHAR) FROM fresh WHERE created_at IS NULL'))[0][0])
      await this.run('DELETE FROM fresh WHERE created_at IS NULL')
    }
    await this.run(`DELETE FROM ${table} WHERE id IN (SELECT id FROM fresh)`)
    await this.run(`INSERT INTO ${table} SELECT ${Object.keys(columns).join(', ')} FROM fresh
      QUALIFY row_number() OVER (PARTITION BY id ORDER BY line DESC) = 1`)
    return refused
  }

  async remove(table, ids) {
    await this.run(`DELETE FROM ${table} WHERE id IN (${ids.map(quote).join(', ')})`)
  }

  close() {
    this.db.closeSync()
    this.instance.closeSync?.()
  }
}
