import { afterEach, describe, expect, it } from '@jest/globals';
import { applyDecorators, Injectable } from '@nestjs/common';
import {
  Chain,
  InterceptAgent,
  InterceptLlm,
  InterceptTool,
  OnAnyEvent,
  OnLlmEnd,
  Retrieval,
  Tool,
  CallbackScope,
  InterceptedLlmCall,
  LlmEndEvent,
  LlmNext,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

const Billed = () => applyDecorators(OnLlmEnd({ order: -1 }), Chain('billing'));
const Cached = () => applyDecorators(InterceptLlm());
/** Each method decorator and one class decorator; `applyDecorators()` accepts all of them. */
const ALL = [
  applyDecorators(OnAnyEvent(), InterceptTool(), InterceptAgent()),
  applyDecorators(Tool({ description: 'x' }), Retrieval('index')),
  applyDecorators(CallbackScope('default')),
];

describe('Decorators in applyDecorators()', () => {
  it('behave as they do alone', async () => {
    const received: string[] = [];
    @Injectable()
    class Books {
      @Billed() paid(event: LlmEndEvent) {
        received.push(event.text);
      }
      @Cached() around(call: InterceptedLlmCall, next: LlmNext) {
        received.push(call.kind);
        return next();
      }
    }
    const recording = new RecordingCallbacks();
    const { llm } = await startApp({ providers: [Books] }, { callbacks: [recording] });
    await llm.generate('hi');
    expect(received).toEqual(['llm', 'hello']);
    expect(recording.of('chain.end').map(({ chainName }) => chainName)).toEqual(['billing']);
    expect(ALL).toHaveLength(3);
  });

  it('are still checked against the decorated method when used alone', () => {
    class Wrong {
      // @ts-expect-error: the method takes another event.
      @OnLlmEnd() paid(event: { type: 'llm.start' }) {
        return event;
      }
      // @ts-expect-error: a tool call is not a string.
      @InterceptLlm() around(call: string) {
        return call;
      }
    }
    expect(Wrong).toBeDefined();
  });
});
