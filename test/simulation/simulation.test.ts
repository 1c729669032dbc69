import { test } from 'vitest';
import { Simulation } from './simulation.ts';
import { fairWeather, storm } from './weather.ts';

test.each(Array.from({ length: Number(process.env['SIM_FAIR'] ?? 10) }, (_, seed) => seed))('fair weather, seed %i', async (seed) => {
  await new Simulation(seed, fairWeather).run();
});

const from = Number(process.env['SIM_FROM'] ?? 0);
test.each(Array.from({ length: Number(process.env['SIM_STORM'] ?? 100) }, (_, at) => from + at))('storm, seed %i', async (seed) => {
  await new Simulation(seed, storm).run();
});
