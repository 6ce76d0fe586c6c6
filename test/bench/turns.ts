import type { Order, Result } from './client';
import { Client } from './processes';
import type { Server } from './workloads';

/** How many rounds. */
export interface Plan {
  /** That do not count. */
  readonly warmUp: number;
  readonly least: number;
  readonly most?: number;
  /** The moment after which none is begun but the least. */
  readonly until: number;
  /** Called after each round; those that do not count are negative. */
  after?(round: number): void;
}

/** Processes that take turns: what disturbs the machine disturbs all of them. */
export class Turns {
  readonly #clients = new Map<number, Client>();

  async add(variant: number, server: Server, execArgv: string[] = []): Promise<void> {
    this.#clients.set(variant, await Client.start(variant, server, execArgv));
  }

  /** One after the other. */
  async each(order: Order): Promise<void> {
    for (const client of this.#clients.values()) await client.order(order);
  }

  /** Rounds in changing order: one figure of each variant in each round. */
  async rounds(order: Order, figure: 'cpu' | 'wall' | 'bytes', plan: Plan): Promise<Map<number, number[]>> {
    const variants = [...this.#clients.keys()];
    const figures = new Map<number, number[]>(variants.map((variant) => [variant, []]));
    const { warmUp, least, most = Number.POSITIVE_INFINITY, until } = plan;
    for (let round = -warmUp; round < least || (round < most && Date.now() < until); round++) {
      // Of what warms up there is one round in any case.
      if (round < 0 && round > -warmUp && Date.now() > until) round = 0;
      const turn = Math.abs(round) % variants.length;
      for (const variant of [...variants.slice(turn), ...variants.slice(0, turn)]) {
        const result: Result = (await this.#clients.get(variant)?.order(order)) ?? {};
        if (round >= 0) figures.get(variant)?.push(result[figure] ?? Number.NaN);
      }
      plan.after?.(round);
    }
    return figures;
  }

  stop(): void {
    for (const client of this.#clients.values()) client.stop();
  }
}
