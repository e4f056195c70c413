import { parentPort } from 'node:worker_threads';
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import * as common from '@zxcvbn-ts/language-common';
import * as english from '@zxcvbn-ts/language-en';

/** A password to judge, and words that make it no better. */
export interface StrengthRequest {
  readonly serial: number;
  readonly password: string;
  readonly inputs: readonly string[];
}
export interface StrengthReply {
  readonly serial: number;
  /** 0 to 4. */
  readonly score: number;
  /** Sentences that repeat nothing of the password. */
  readonly advice: string;
}

const estimator = new ZxcvbnFactory({
  dictionary: { ...common.dictionary, ...english.dictionary },
  graphs: common.adjacencyGraphs,
  translations: english.translations,
});

parentPort?.on('message', ({ serial, password, inputs }: StrengthRequest) => {
  const { score, feedback } = estimator.check(password, [...inputs]);
  const advice = [feedback.warning, ...feedback.suggestions].filter((sentence) => sentence).join(' ');
  parentPort?.postMessage({ serial, score, advice } satisfies StrengthReply);
});
