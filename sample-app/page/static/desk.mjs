import { budgetOf, follow, send } from './api.mjs';
import { ProgressList } from './progress-list.mjs';

const at = (id) => document.getElementById(id);

const ask = at('ask');
const decide = at('decide');
const question = at('question');
const reason = at('reason');
const progress = new ProgressList({
  list: at('steps'),
  turns: at('turns'),
  tokens: at('tokens'),
  cost: at('cost'),
});

/** The active ticket: its id, its user, how to stop following it, and the pending decision. */
let ticket;
let isBusy = false;

ask.addEventListener('submit', (event) => {
  event.preventDefault();
  void perform(async () => {
    ticket?.reading.abort();
    const reading = new AbortController();
    ticket = { id: crypto.randomUUID(), user: at('user').value, reading };
    progress.clear();
    at('empty').hidden = true;
    await follow(ticket, (told) => progress.show(told), reading.signal);
    return send('/tickets', { question: question.value }, ticket);
  });
});

decide.addEventListener('submit', (event) => {
  event.preventDefault();
  const decision = { approve: event.submitter?.value !== 'deny', reason: reason.value };
  void perform(() => send(`/approvals/${ticket.approvalId}`, decision, ticket));
});

at('user').addEventListener('change', () => void showBudget());
void showBudget();

for (const example of document.querySelectorAll('.example')) {
  example.addEventListener('click', () => {
    question.value = example.textContent;
    question.focus();
  });
}

async function perform(work) {
  if (isBusy) return;
  setBusy(true);
  setState('running', 'Working');
  for (const notice of ['approval', 'answer', 'error']) at(notice).hidden = true;
  try {
    const outcome = await work();
    if (outcome.status === 'waiting') showApproval(outcome);
    else showAnswer(outcome);
  } catch (error) {
    showError(error);
  } finally {
    setBusy(false);
    void showBudget();
  }
}

async function showBudget() {
  const budget = await budgetOf(at('user').value).catch(() => undefined);
  at('budget').textContent = budget
    ? `$${budget.remaining.toFixed(6)} of $${budget.limit}`
    : 'unknown';
}

function showApproval({ approvalId, calls }) {
  ticket.approvalId = approvalId;
  reason.value = '';
  at('calls').replaceChildren(...calls.map(toItem));
  setState('waiting', 'Waiting for approval');
  reveal('approval');
}

function showAnswer({ answer }) {
  setState('done', 'Done');
  ticket.approvalId = undefined;
  reveal('answer');
  at('answer-text').textContent = answer;
}

function showError({ message }) {
  setState('failed', 'Failed');
  progress.stop();
  at('error-text').textContent = message;
  reveal('error');
  // The ticket is still pending, and can be decided again.
  at('approval').hidden = ticket.approvalId === undefined;
}

function setState(state, text) {
  at('state').dataset.state = state;
  at('state').textContent = text;
}

/** Buttons stay enabled: a disabled one would lose the focus. */
function setBusy(busy) {
  isBusy = busy;
  for (const button of document.querySelectorAll('button')) {
    button.setAttribute('aria-disabled', String(busy));
  }
}

/** Shows a notice. It gets the focus if the previously focused notice is gone, or if a decision is needed. */
function reveal(id) {
  const notice = at(id);
  notice.hidden = false;
  notice.scrollIntoView({ block: 'nearest' });
  const wasLost = document.activeElement === document.body;
  if (wasLost || id === 'approval') notice.querySelector('h3').focus();
}

/** A pending call, as shown to the colleague: with every argument. */
function toItem({ tool, args }) {
  const item = document.createElement('li');
  const name = document.createElement('strong');
  name.textContent = tool;
  const values = Object.entries(args).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  item.append(name, ` ${values.join(', ')}`);
  return item;
}
