import 'reflect-metadata';
import { strict as assert } from 'node:assert';
import { TestBed } from '@suites/unit';
import { LlmService } from 'nestjs-llm-callbacks';
import { fakeLlmResponse } from 'nestjs-llm-callbacks/testing';
import { Desk, Texts } from './out/desk.js';

const answer = fakeLlmResponse({ text: 'hello' });

const solitary = await TestBed.solitary(Desk).compile();
solitary.unitRef.get(LlmService).generate.resolves(answer);
assert.equal(await solitary.unit.answer('hi'), 'hello');
assert.equal(solitary.unit.count('four'), 4);
assert.deepEqual(solitary.unitRef.get(Texts).find.args, [['hi']]);

const sociable = await TestBed.sociable(Desk).expose(Texts).compile();
sociable.unitRef.get(LlmService).generate.resolves(answer);
assert.equal(await sociable.unit.answer('hi'), 'hello');
