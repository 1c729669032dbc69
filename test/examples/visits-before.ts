// A topology as a module of its own, for commands and tests to look at: how often each page was visited. See docs/topology.md.

import { Serdes, StreamsBuilder } from 'millrace';

interface Visit {
  readonly id: string;
  readonly page: string;
}

const visits = { key: Serdes.string(), value: Serdes.json<Visit>() };
const counts = { key: Serdes.string(), value: Serdes.long() };

const builder = new StreamsBuilder();
builder
  .stream('visits', visits)
  .filter((visit) => visit !== null)
  .dedupe({ name: 'visits-seen', id: (visit) => visit.id, retentionMs: 3_600_000, serde: Serdes.string() })
  .groupBy((visit) => visit.page, { name: 'by-page', ...visits })
  .count({ name: 'visits-per-page' })
  .toStream()
  .to('page-visits', counts);

export const applicationId = 'site';
export const topology = builder.build();
