// SPDX-License-Identifier: Apache-2.0
// Calendar buckets, worked out apart from Daybook's: the offsets of a zone come from DuckDB (its ICU), the starts of
// local days are found from them by the words of engine/base/calendar.h, and larger units are named by JavaScript's
// own dates.

const QUARTER_HOUR = 900_000
export const DAY = 86_400_000
// All times of the data and all ends of ranges lie well inside.
const FIRST = Date.UTC(2010, 0, 1)
const LAST = Date.UTC(2029, 0, 1)

export const zones = [
  null, 'UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'America/Havana',
  'America/Sao_Paulo', 'Pacific/Apia'
]

// [{ at, offset }]: where the offset (ms) of a zone differs from that at the instant before, looking at one instant
// every `step`.
async function changesBetween(duck, zone, from, to, step) {
  const rows = await duck.rows(`
    SELECT CAST(ms AS VARCHAR), CAST(here AS VARCHAR) FROM
      (SELECT ms, here, lag(here) OVER (ORDER BY ms) AS before FROM
        (SELECT range AS ms, epoch_ms(epoch_ms(range) AT TIME ZONE 'UTC' AT TIME ZONE '${zone}') - range AS here
         FROM range(${from}, ${to}, ${step})))
    WHERE before <> here OR ms = ${from} ORDER BY ms`)
  return rows.map(([at, offset]) => ({ at: Number(at), offset: Number(offset) }))
}

// [{ at, offset }]: the offset that holds from `at` on. Days first, then the quarter hours of the days that differ: no
// zone here changes twice within a day.
async function offsetsOf(duck, zone) {
  if (zone === null) return [{ at: -Infinity, offset: 0 }]
  const [first, ...later] = await changesBetween(duck, zone, FIRST - 10 * DAY, LAST + 10 * DAY, DAY)
  const offsets = [{ at: -Infinity, offset: first.offset }]
  for (const { at } of later)
    offsets.push((await changesBetween(duck, zone, at - DAY, at + QUARTER_HOUR, QUARTER_HOUR))[1])
  return offsets
}

// The instant of a wall-clock reading: the earlier of two, the moment of the change when there is none.
function toInstant(offsets, local) {
  for (let i = 0; i < offsets.length; i++) {
    const end = i + 1 < offsets.length ? offsets[i + 1].at : Infinity
    if (local - offsets[i].offset < end) return Math.max(local - offsets[i].offset, offsets[i].at)
  }
}

function unitStarts(day) {
  const date = new Date(day)
  const year = date.getUTCFullYear()
  const month = date.getUTCMonth()
  return {
    week: day - ((date.getUTCDay() + 6) % 7) * DAY,
    month: Date.UTC(year, month, 1),
    quarter: Date.UTC(year, month - (month % 3), 1),
    year: Date.UTC(year, 0, 1)
  }
}

export class Calendars {
  constructor(duck) {
    this.duck = duck
    this.offsets = new Map()
    this.made = new Map()
  }

  // When the clocks change: where bugs live, so data is drawn from there more often.
  async changes() {
    const all = []
    for (const zone of zones) all.push(...(await this.of(zone)).map(({ at }) => at))
    return all.filter((at) => at > Date.UTC(2011, 0, 1) && at < Date.UTC(2027, 0, 1))
  }

  async of(zone) {
    if (!this.offsets.has(zone)) this.offsets.set(zone, await offsetsOf(this.duck, zone))
    return this.offsets.get(zone)
  }

  // { name, days }: a table in DuckDB with one row for each local day that is not empty, and the same in memory.
  async make(zone, dayStart) {
    const key = `${zone} ${dayStart}`
    if (this.made.has(key)) return this.made.get(key)
    const offsets = await this.of(zone)
    const start = (day) => toInstant(offsets, day + dayStart * 60_000)
    const days = []
    for (let day = FIRST; day < LAST; day += DAY) {
      if (start(day) === start(day + DAY)) continue
      const units = unitStarts(day)
      for (const unit in units) units[unit] = start(units[unit])
      days.push({ day: start(day), ...units })
    }
    const calendar = { name: `calendar_${this.made.size}`, days }
    this.made.set(key, calendar)
    await this.duck.run(`CREATE TABLE ${calendar.name} (day BIGINT, week BIGINT, month BIGINT, quarter BIGINT, year BIGINT)`)
    await this.duck.append(calendar.name, days.map((d) => [d.day, d.week, d.month, d.quarter, d.year]))
    return calendar
  }

  // The first instants of all buckets that [from, to) touches.
  async touched(bucket, from, to) {
    const { days } = await this.make(bucket.zone ?? null, bucket.dayStart ?? 0)
    const starts = new Set()
    const span = bucketLength(bucket)
    for (let i = 0; i + 1 < days.length; i++) {
      const end = days[i + 1].day
      if (end <= from || days[i].day >= to) continue
      if (!span) {
        starts.add(days[i][bucket.unit])
        continue
      }
      for (let at = days[i].day; at < end && at < to; at += span) if (Math.min(at + span, end) > from) starts.add(at)
    }
    return [...starts]
  }
}

// The elapsed time of a bucket within a day; 0 for buckets of whole days.
export function bucketLength({ unit, count }) {
  return unit === 'minute' ? count * 60_000 : unit === 'hour' ? count * 3_600_000 : 0
}

// The first instant of the bucket of `time`, given the row `day` of its calendar.
export function bucketSql(bucket, time, day) {
  const span = bucketLength(bucket)
  return span ? `${day}.day + ((${time} - ${day}.day) // ${span}) * ${span}` : `${day}.${bucket.unit}`
}
