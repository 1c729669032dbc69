// The inventory: to the order system an outside system with its own store, reached over HTTP only.

export { inventoryClient, type InventoryClient, InventoryRefusal } from './client.ts';
export type { Faults } from './faults.ts';
export type { Line, RefusalCode, Stock } from './rules.ts';
export { type Inventory, type InventoryOptions, startInventory } from './service.ts';
