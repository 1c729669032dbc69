// Many commands under way, those of one workflow strictly one after the other: parallel sends for one id arrive out of order, and the mailbox would
// then drop the one that was overtaken.

export class Lanes {
  readonly #tails: Promise<void>[];
  #queued = 0;
  #running = 0;

  constructor(count: number) {
    this.#tails = Array.from({ length: count }, () => Promise.resolve());
  }

  /** Runs `job` after all earlier jobs of its lane. `job` must not reject. */
  add(workflowId: string, job: () => Promise<void>): void {
    const lane = laneOf(workflowId, this.#tails.length);
    this.#queued++;
    this.#tails[lane] = (this.#tails[lane] as Promise<void>).then(async () => {
      this.#queued--;
      this.#running++;
      try {
        await job();
      } finally {
        this.#running--;
      }
    });
  }

  get queued(): number {
    return this.#queued;
  }

  get running(): number {
    return this.#running;
  }

  /** Resolves when everything added so far has run. */
  async idle(): Promise<void> {
    await Promise.all(this.#tails);
  }
}

/** FNV-1a over UTF-16 units: cheap and even enough. */
export function laneOf(workflowId: string, lanes: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < workflowId.length; i++) hash = Math.imul(hash ^ workflowId.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % lanes;
}
