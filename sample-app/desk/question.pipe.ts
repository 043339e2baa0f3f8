import { BadRequestException, type PipeTransform } from '@nestjs/common';

const MAX_LENGTH = 2_000;

/** A question is a text: a list would be taken for a conversation, written by whoever sends it. */
export class QuestionPipe implements PipeTransform<unknown, string> {
  transform(value: unknown): string {
    const question = typeof value === 'string' ? value.trim() : '';
    if (question === '' || question.length > MAX_LENGTH) {
      throw new BadRequestException(`Ask a question of 1 to ${MAX_LENGTH} characters.`);
    }
    return question;
  }
}
