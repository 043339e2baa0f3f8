import { TestBed } from '@suites/unit';
import { LlmService } from 'nestjs-llm-callbacks';
import { fakeLlmResponse } from 'nestjs-llm-callbacks/testing';
import { Desk, Texts } from './desk.js';

const answer = fakeLlmResponse({ text: 'hello' });

it('@suites/unit runs decorated methods of a class whose dependencies are doubles', async () => {
  const { unit, unitRef } = await TestBed.solitary(Desk).compile();
  unitRef.get(LlmService).generate.mockResolvedValue(answer);

  expect(await unit.answer('hi')).toBe('hello');
  expect(unit.count('four')).toBe(4);
  expect(unitRef.get(Texts).find.mock.calls).toEqual([['hi']]);
});

it('@suites/unit runs decorated methods of real dependencies', async () => {
  const { unit, unitRef } = await TestBed.sociable(Desk).expose(Texts).compile();
  unitRef.get(LlmService).generate.mockResolvedValue(answer);

  expect(await unit.answer('hi')).toBe('hello');
});
