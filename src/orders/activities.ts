// What the order workflow may do to the world. Each is repeatable under its idempotency key; what can never succeed says so, by a type that the saga sees.

import { ApplicationFailure } from '@temporalio/common';
import { escalationActivities, type OutcomePublisher } from 'millrace/worker';
import { type InventoryClient, InventoryRefusal, type Line } from './inventory/index.ts';

export interface OrderActivityPorts {
  readonly inventory: Pick<InventoryClient, 'reserve' | 'confirm' | 'release'>;
  readonly publisher: Pick<OutcomePublisher, 'publish'>;
}

export function orderActivities({ inventory, publisher }: OrderActivityPorts) {
  return {
    ...escalationActivities(publisher),
    async reserveInventory(request: { orderId: string; lines: Line[]; idempotencyKey: string }): Promise<void> {
      await orRefusal(inventory.reserve(request));
    },
    async confirmInventory(request: { orderId: string; idempotencyKey: string }): Promise<void> {
      await orRefusal(inventory.confirm(request));
    },
    async releaseInventory(request: { orderId: string; idempotencyKey: string }): Promise<void> {
      await orRefusal(inventory.release(request));
    },
  };
}

/** Failure types are part of the contract with the workflow: `Inventory.OUT_OF_STOCK` and its like. Everything else is passing, and Temporal retries it. */
async function orRefusal(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (error instanceof InventoryRefusal) throw ApplicationFailure.nonRetryable(error.message, `Inventory.${error.code}`);
    throw error;
  }
}
