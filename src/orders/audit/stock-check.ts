// The inventory's books against themselves, and against what the topics say was sold.

import type { Stock } from '../inventory/index.ts';
import { terminalOf, type OrderTally } from './order-tally.ts';
import type { Findings } from './report.ts';

/** @param isQuiet nothing is under way any more; before that, an order may be sold in the inventory and its status still on its way. */
export function checkStock(stock: Readonly<Record<string, Stock>>, tallies: Iterable<OrderTally>, isQuiet: boolean, findings: Findings): void {
  for (const [sku, { initial, available, reserved, sold }] of Object.entries(stock)) {
    const books = `${available} available, ${reserved} reserved, ${sold} sold`;
    if (available + reserved + sold !== initial) findings.add(4, `${sku} began with ${initial}, and now has ${books}`);
    if (Math.min(available, reserved, sold) < 0) findings.add(4, `${sku} has ${books}: none of these can be below zero`);
    if (isQuiet && reserved !== 0) findings.add(4, `${sku} has ${books}, although no order is waiting any more`);
  }
  if (!isQuiet) return;
  const confirmed = confirmedQuantities(tallies);
  for (const sku of new Set([...Object.keys(stock), ...confirmed.keys()])) {
    const sold = stock[sku]?.sold ?? 0;
    const inTopics = confirmed.get(sku) ?? 0;
    if (sold !== inTopics) findings.add(4, `${sku}: the inventory has sold ${sold}, but the confirmed orders come to ${inTopics}`);
  }
}

function confirmedQuantities(tallies: Iterable<OrderTally>): Map<string, number> {
  const quantities = new Map<string, number>();
  for (const tally of tallies) {
    if (terminalOf(tally)?.status !== 'CONFIRMED') continue;
    for (const { sku, quantity } of tally.placed?.lines ?? []) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  }
  return quantities;
}
