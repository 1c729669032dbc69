// The order system as `npm start` runs it: every role a process of its own, on servers that are there.

import { join } from 'node:path';
import { freePort } from '../../stack/free-port.ts';
import { RoleProcess } from './role-process.ts';

export interface SystemOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logDir: string;
  /** Local state of all roles. */
  readonly dataDir: string;
  readonly paymentTimeoutMs: number;
  /** Stream instances that share the work. */
  readonly instances: number;
  readonly onNotice: (message: string) => void;
}

export interface GeneratorChoice {
  readonly orders: number;
  readonly rate: number;
  readonly seed: number | undefined;
}

export class OrderSystem {
  readonly inventoryUrl: string;
  readonly #options: SystemOptions;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #roles: RoleProcess[] = [];
  #generator: RoleProcess | undefined;

  private constructor(options: SystemOptions, inventoryPort: number) {
    this.#options = options;
    this.inventoryUrl = `http://127.0.0.1:${inventoryPort}`;
    this.#env = { ...options.env, INVENTORY_URL: this.inventoryUrl };
    const state = ['--state-dir', join(options.dataDir, 'state')];
    this.#start('inventory', ['--port', String(inventoryPort), '--data-dir', join(options.dataDir, 'inventory')]);
    for (let instance = 1; instance <= options.instances; instance++) {
      this.#start('stream', [...state, '--payment-timeout', `${options.paymentTimeoutMs}ms`], options.instances === 1 ? 'stream' : `stream-${instance}`);
    }
    this.#start('bridge', []);
    this.#start('worker', state);
  }

  static async start(options: SystemOptions): Promise<OrderSystem> {
    return new OrderSystem(options, await freePort());
  }

  generate({ orders, rate, seed }: GeneratorChoice): void {
    const args = ['--rate', String(rate), '--payment-timeout', `${this.#options.paymentTimeoutMs}ms`];
    if (orders !== Infinity) args.push('--orders', String(orders));
    if (seed !== undefined) args.push('--seed', String(seed));
    const { logDir, onNotice } = this.#options;
    this.#generator = new RoleProcess({ role: 'generate', args, env: this.#env, logDir, isRestarted: false, onNotice });
    this.#generator.ended.catch(() => {});
  }

  get roles(): readonly RoleProcess[] {
    return this.#roles;
  }

  role(name: string): RoleProcess {
    const found = this.#roles.find((role) => role.name === name);
    if (found === undefined) throw new Error(`No role is named "${name}"; there are ${this.#roles.map((role) => role.name).join(', ')}.`);
    return found;
  }

  /** Settles when all has been sent; rejects when the generator failed. */
  get generated(): Promise<void> {
    return this.#generator?.ended ?? Promise.resolve();
  }

  /** Rejects when a role cannot be kept running. */
  get failed(): Promise<void> {
    return Promise.all(this.#roles.map((role) => role.ended)).then(() => {});
  }

  /** In the order in which work flows, so that each finds what it still needs. */
  async stop(): Promise<void> {
    await this.#generator?.stop();
    const [inventory, ...others] = this.#roles;
    await Promise.all(others.map((role) => role.stop()));
    await inventory?.stop();
  }

  #start(role: string, args: readonly string[], name = role): void {
    const { logDir, onNotice } = this.#options;
    this.#roles.push(new RoleProcess({ role, name, args, env: this.#env, logDir, isRestarted: true, onNotice }));
  }
}
