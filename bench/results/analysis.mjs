import { derive } from 'metalab';

export const gap = derive((run) => ({ gap: run.metrics.m0 - run.metrics.m1 }));
