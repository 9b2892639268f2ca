// SPDX-License-Identifier: Apache-2.0
// Which processors a server under test and its clients run on: all of them for both, or, with --apart, the last one for
// the clients and the others for the server, whoever's it is, as if they were two machines.
import { availableParallelism } from 'node:os'
import { options } from './world.mjs'

const last = availableParallelism() - 1
const servers = last > 1 ? `0-${last - 1}` : '0'
const on = (processors, command, args) => (options.apart ? ['taskset', ['-c', processors, command, ...args]] : [command, args])

export const canBeApart = last > 0
// A command and its arguments, to be spawned.
export const asServer = (command, args) => on(servers, command, args)
export const asClient = (command, args) => on(String(last), command, args)
// For the first line of a suite's figures.
export const placement = () =>
  options.apart ? `apart: servers on processor${last > 1 ? 's' : ''} ${servers}, clients on ${last}` : 'client and server share the processors'
