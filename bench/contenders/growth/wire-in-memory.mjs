// OpenAI's wire format without a wire: a `fetch` whose answers come out of memory, piece by piece as they are read.
const HEADERS = { 'content-type': 'text/event-stream; charset=utf-8' };
const encoder = new TextEncoder();

/**
 * @param events how many events the answer has
 * @param text what each of them says
 * @param staysOpen whether more could come after the last one
 */
export function fetchInMemory({ events, text, staysOpen = false }) {
  const event = encoder.encode(data(chunk({ content: text })));
  const end = encoder.encode(
    `${data(chunk({}, 'stop'))}${data({ ...chunk(), choices: [], usage: usage(events) })}data: [DONE]\n\n`,
  );
  return () =>
    Promise.resolve(new Response(body(events, event, !staysOpen && end), { headers: HEADERS }));
}

function body(events, event, end) {
  let left = events;
  return new ReadableStream(
    {
      pull(controller) {
        // A copy, as a socket gives a new one each time.
        if (left-- > 0) controller.enqueue(event.slice());
        else if (end) {
          controller.enqueue(end);
          controller.close();
        } else return new Promise(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

function chunk(delta = {}, finishReason = null) {
  return {
    id: 'chatcmpl-bench',
    object: 'chat.completion.chunk',
    created: 1_760_000_000,
    model: 'gpt-4o-mini-2024-07-18',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    usage: null,
  };
}

function data(value) {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function usage(events) {
  return { prompt_tokens: 12, completion_tokens: events, total_tokens: events + 12 };
}
