// A tiny process that outlives the one it watches by a moment: when its standard input closes, because the watched process ended or was
// killed with -9, it ends every process that was named to it and not taken back. A JVM has no parent-death signal; this stands in for it.
import { createInterface } from 'node:readline';
import { endProcess } from './end-process.mjs';

/** @type {Map<number, { pid: number, identity: string, graceMs: number, group: boolean }>} */
const wards = new Map();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {}); // ended by the pipe only

for await (const line of createInterface({ input: process.stdin })) {
  try {
    const { add, remove } = JSON.parse(line);
    if (add) wards.set(add.pid, add);
    if (remove) wards.delete(remove);
  } catch {
    // Half a line: the watched process was killed while it wrote. What it did not finish saying, it had not finished starting.
  }
}
await Promise.all([...wards.values()].map((ward) => endProcess(ward, ward.graceMs)));
