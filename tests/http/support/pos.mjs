// SPDX-License-Identifier: Apache-2.0
// The naive twin of the point of sale: tickets, lines and names as plain objects, reports by walking over all of
// them. It shares nothing with Daybook but the rules.
import { cents, decimal } from './money.mjs';

const COUNTED = new Set(['CONFIRMED', 'COMPLETED', 'PICKED_UP']);
const MINUTE = 60000, HOUR = 60 * MINUTE;
export const WINDOW_HOURS = { '1h': 1, '4h': 4, '12h': 12 };

const offsets = new Map();
function offset(ms, zone) {
    const at = Math.floor(ms / (15 * MINUTE));
    const key = `${zone} ${at}`;
    if (!offsets.has(key)) {
        const parts = Object.fromEntries(new Intl.DateTimeFormat('en-GB', {
            timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit',
            minute: '2-digit', second: '2-digit',
        }).formatToParts(new Date(at * 15 * MINUTE)).map((part) => [part.type, Number(part.value)]));
        const local = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
        offsets.set(key, local - at * 15 * MINUTE);
    }
    return offsets.get(key);
}

// The first instant of the local day, or of the day that begins at startMinutes.
function dayStart(ms, zone, startMinutes = 0) {
    const DAY = 24 * HOUR;
    const local = ms + offset(ms, zone) - startMinutes * MINUTE;
    const wall = Math.floor(local / DAY) * DAY + startMinutes * MINUTE;
    // The wall clock's reading under one of the two offsets around it (none of the tests' zones skips it).
    for (const guess of [wall - offset(wall - 3 * HOUR, zone), wall - offset(wall + 3 * HOUR, zone)])
        if (guess + offset(guess, zone) === wall) return guess;
    throw new Error(`no day start for ${new Date(ms).toISOString()}`);
}

export function window(ms, groupBy, zone) {
    const start = dayStart(ms, zone), next = dayStart(start + 36 * HOUR, zone);
    if (groupBy === 'day') return { start, end: next };
    const step = WINDOW_HOURS[groupBy] * HOUR;
    const at = start + Math.floor((ms - start) / step) * step;
    return { start: at, end: Math.min(at + step, next) };
}

export const businessDay = (ms, zone, minutes) => dayStart(ms, zone, minutes);
export const iso = (ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

const total = (rows, of) => rows.reduce((sum, row) => sum + of(row), 0n);
const byRevenue = (a, b) => (a.revenue === b.revenue ? (a.id < b.id ? -1 : 1) : a.revenue < b.revenue ? 1 : -1);

function group(rows, key) {
    const groups = new Map();
    for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
    return groups;
}

export class Twin {
    constructor(zone) {
        this.zone = zone;
        this.tickets = new Map();
        this.lines = new Map();
        this.foods = new Map(); // id → {name, category}
        this.categories = new Map(); // id → name
        this.registers = new Map();
        this.hours = new Map(); // start → names by "kind id"
    }

    counted(from, to) {
        return [...this.tickets.values()].filter(
            (t) => COUNTED.has(t.status) && t.confirmed !== null && t.confirmed >= from && t.confirmed <= to);
    }

    // Sums in cents over the tickets given.
    sums(tickets) {
        const ids = new Set(tickets.map((t) => t.id));
        const lines = [...this.lines.values()].filter((line) => ids.has(line.order));
        const method = (name) => total(tickets.filter((t) => t.method === name), (t) => t.total);
        const done = tickets.filter((t) => t.completed !== null);
        const categories = [...group(lines, (line) => this.foods.get(line.food).category)].map(([id, rows]) => ({
            id,
            revenue: total(rows, (r) => r.total),
            quantity: total(rows, (r) => BigInt(r.quantity)),
            foods: [...group(rows, (r) => r.food)].map(([food, of]) => ({
                id: food,
                revenue: total(of, (r) => r.total),
                quantity: total(of, (r) => BigInt(r.quantity)),
            })).sort(byRevenue),
        })).sort(byRevenue);
        const registers = [...group(tickets.filter((t) => t.register), (t) => t.register)].map(([id, rows]) => ({
            id,
            revenue: total(rows, (t) => t.total),
            cash: total(rows.filter((t) => t.method === 'CASH'), (t) => t.total),
            card: total(rows.filter((t) => t.method === 'CARD'), (t) => t.total),
        }));
        return { orders: tickets.length, revenue: total(tickets, (t) => t.total), cash: method('CASH'), card: method('CARD'),
                 average: done.length === 0 ? null : done.reduce((sum, t) => sum + t.completed - t.created, 0) / done.length / MINUTE,
                 categories, registers };
    }

    names(tickets) {
        const names = new Map(), sums = this.sums(tickets);
        for (const category of sums.categories) {
            names.set(`c ${category.id}`, this.categories.get(category.id));
            for (const food of category.foods) names.set(`f ${food.id}`, this.foods.get(food.id).name);
        }
        for (const register of sums.registers) names.set(`r ${register.id}`, this.registers.get(register.id));
        return names;
    }

    // What Daybook keeps when the hour of `now` has begun.
    keepHours(now) {
        const current = window(now, '1h', this.zone).start;
        const last = Math.max(...this.hours.keys(), -Infinity);
        const due = this.counted(-Infinity, current - 1).filter((t) => window(t.confirmed, '1h', this.zone).start > last);
        for (const [start, tickets] of group(due, (t) => window(t.confirmed, '1h', this.zone).start))
            this.hours.set(start, this.names(tickets));
    }

    // The report as JSON without ids; names as Daybook would show them.
    report(tickets, { start, end, covers }) {
        const sums = this.sums(tickets);
        const hours = [...this.hours.entries()].filter(([hour]) => covers(hour)).sort(([a], [b]) => b - a);
        const name = (key, now) => hours.find(([, names]) => names.has(key))?.[1].get(key) ?? now;
        const money = (value) => Number(decimal(value));
        return {
            timestamp: iso(start),
            intervalInMinutes: Math.round((end - start) / MINUTE),
            totalRevenue: money(sums.revenue), totalCashRevenue: money(sums.cash), totalCardRevenue: money(sums.card),
            totalOrders: sums.orders,
            averageCompletitionTime: sums.average === null ? null : Math.round(sums.average),
            categoryStats: sums.categories.map((c) => ({
                categoryId: c.id, categoryName: name(`c ${c.id}`, this.categories.get(c.id)), revenue: money(c.revenue),
                quantity: Number(c.quantity),
                foodStats: c.foods.map((f) => ({ foodId: f.id, foodName: name(`f ${f.id}`, this.foods.get(f.id).name),
                                                 revenue: money(f.revenue), quantity: Number(f.quantity) })),
            })),
            cashRegisterStats: sums.registers.map((r) => ({
                cashRegisterId: r.id, cashRegisterName: name(`r ${r.id}`, this.registers.get(r.id)),
                totalRevenue: money(r.revenue), totalCardRevenue: money(r.card), totalCashRevenue: money(r.cash),
            })).sort((a, b) => (a.cashRegisterName === b.cashRegisterName ? (a.cashRegisterId < b.cashRegisterId ? -1 : 1)
                                                                          : a.cashRegisterName < b.cashRegisterName ? -1 : 1)),
        };
    }

    // What GET /v1/reports answers, without ids.
    reports(from, to, groupBy) {
        const firstHour = window(from, '1h', this.zone).start;
        const seen = (hour) => hour >= firstHour && hour <= to;
        const tickets = this.counted(from, to);
        if (groupBy === 'all')
            return tickets.length === 0 ? [] : [this.report(tickets, { start: from, end: to, covers: seen })];
        return [...group(tickets, (t) => window(t.confirmed, groupBy, this.zone).start)].sort(([a], [b]) => a - b)
            .map(([at, of]) => {
                const { start, end } = window(at, groupBy, this.zone);
                return this.report(of, { start, end, covers: (hour) => seen(hour) && hour >= start && hour < end });
            });
    }
}

// Numbers of reports by what they are of, in cents, so that reports can be added up.
export function figures(reports) {
    const sums = new Map();
    const add = (key, value) => sums.set(key, (sums.get(key) ?? 0n) + value);
    for (const report of reports) {
        add('orders', BigInt(report.totalOrders));
        add('revenue', cents(report.totalRevenue));
        add('cash', cents(report.totalCashRevenue));
        add('card', cents(report.totalCardRevenue));
        for (const category of report.categoryStats) {
            add(`c ${category.categoryId}`, cents(category.revenue));
            for (const food of category.foodStats) {
                add(`f ${category.categoryId} ${food.foodId}`, cents(food.revenue));
                add(`q ${category.categoryId} ${food.foodId}`, BigInt(food.quantity));
            }
        }
        for (const register of report.cashRegisterStats) {
            add(`r ${register.cashRegisterId}`, cents(register.totalRevenue));
            add(`cash ${register.cashRegisterId}`, cents(register.totalCashRevenue));
            add(`card ${register.cashRegisterId}`, cents(register.totalCardRevenue));
        }
    }
    return Object.fromEntries([...sums].filter(([, value]) => value !== 0n).map(([key, value]) => [key, String(value)]).sort());
}
