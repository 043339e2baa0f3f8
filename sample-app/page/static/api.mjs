// How the page talks to the desk. Every request of a ticket has the ticket's id, so that its progress can be followed.

/** Asks, or decides; resolves to `{ status: 'answered' | 'waiting', … }`. */
export async function send(path, body, ticket) {
  const response = await request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headersOf(ticket) },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message ?? `The desk says ${response.status}.`);
  return answer;
}

/** A user's remaining budget: `{ remaining, limit }` in US dollars. */
export async function budgetOf(user) {
  const response = await request(`/limits/${encodeURIComponent(user)}`, {
    headers: { 'x-user-id': user },
  });
  if (!response.ok) throw new Error(`The desk says ${response.status}.`);
  const { budget } = await response.json();
  return budget;
}

/** Resolves once the desk reports the ticket's progress, which is then passed to `onProgress`. */
export async function follow(ticket, onProgress, signal) {
  const response = await request(`/progress/${ticket.id}`, { headers: headersOf(ticket), signal });
  if (!response.ok) throw new Error((await response.json()).message);
  const messages = readEvents(response.body);
  await messages.next();
  void pass(messages, onProgress, signal);
}

async function request(path, options) {
  try {
    return await fetch(path, options);
  } catch (cause) {
    throw new Error('The desk cannot be reached. Is it still open?', { cause });
  }
}

async function pass(messages, onProgress, signal) {
  try {
    for await (const { data } of messages) onProgress(JSON.parse(data));
  } catch (error) {
    // The page stops reading when it sends a new question.
    if (!signal.aborted) throw error;
  }
}

/** Server-sent events; an EventSource cannot send the user's header. */
async function* readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    buffer += value;
    const messages = buffer.split('\n\n');
    buffer = messages.pop();
    for (const message of messages) {
      const data = /^data: (.*)$/m.exec(message)?.[1];
      if (data !== undefined) yield { data };
    }
  }
}

function headersOf({ id, user }) {
  return { 'x-request-id': id, ...(user && { 'x-user-id': user }) };
}
