import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXAMPLE } from './stack';

/** A panel of the dashboard, as far as it is read here. */
export interface Panel {
  readonly title: string;
  readonly targets: readonly {
    readonly datasource: { readonly type: string; readonly uid: string };
    /** PromQL. */
    readonly expr?: string;
    /** TraceQL. */
    readonly query?: string;
  }[];
}

export const DASHBOARD: {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition: string }[] };
} = JSON.parse(readFileSync(join(EXAMPLE, 'dashboards/phases.json'), 'utf8'));

export function panel(title: string): Panel {
  const found = DASHBOARD.panels.find((each) => each.title === title);
  if (found === undefined) throw new Error(`no panel ${title}`);
  return found;
}

/** As Grafana does before it asks Prometheus: all services, over half a minute. */
export function filledIn(expr: string): string {
  return expr.replaceAll('$__rate_interval', '30s').replaceAll('$service', '.+');
}
