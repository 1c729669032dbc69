// Views of pages per country and minute: a stream joined with a table, then counted in windows. The topology; its test and the program that runs it are beside it.

import { Serdes, StreamsBuilder, tumbling, type Topology } from 'millrace';

/** Under the id of the user who looked. */
export interface View {
  readonly page: string;
}

/** Under the user's id. */
export interface User {
  readonly country: string;
}

/** Under the country. */
export interface Report {
  readonly fromMs: number;
  readonly views: number;
}

export const views = { key: Serdes.string(), value: Serdes.json<View>() };
export const users = { key: Serdes.string(), value: Serdes.json<User>() };
export const reports = { key: Serdes.string(), value: Serdes.json<Report>() };

export function viewsPerCountry({ sizeMs = 60_000, graceMs = 5_000 } = {}): Topology {
  const builder = new StreamsBuilder();
  const countries = builder.table('demo-users', { name: 'users', ...users });
  builder
    .stream('demo-views', views)
    .join(countries, (_view, user) => user.country, { name: 'view-countries', ...views })
    .groupBy((country) => country, { name: 'by-country', key: Serdes.string(), value: Serdes.string() })
    .windowedBy(tumbling({ sizeMs, graceMs }))
    .count({ name: 'counts', emit: 'on-close' })
    .toStream()
    .map((count, { key, window }) => [key, { fromMs: window.startMs, views: count ?? 0 }])
    .to('demo-views-per-country', reports);
  return builder.build();
}
