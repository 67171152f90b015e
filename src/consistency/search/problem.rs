//! One partition ready for search: required operations, classes of optional ones, and their events in order.
//!
//! Knows no model: operations are codes.

use crate::history::History;
use crate::intern::{NONE, number_of};
use crate::model::{Step, Steps};

/// An operation that must stand in the line.
#[derive(Clone, Copy)]
pub(crate) struct Required {
    pub(crate) code: u32,
    pub(crate) pure: bool,
    /// Index in the history.
    pub(crate) index: u32,
    /// Places of its ends among all events.
    pub(crate) start: u32,
    pub(crate) finish: u32,
    /// A place among the operations that run at the same time.
    pub(crate) slot: u32,
}

/// Optional operations that are the same to the machine: any of them stands for the one that was called first.
pub(crate) struct Class {
    pub(crate) code: u32,
    /// Index in the history and place of the call of each, in the order of the calls.
    pub(crate) members: Vec<(u32, u32)>,
}

/// What happens at one place of the order.
#[derive(Clone, Copy)]
pub(crate) enum Event {
    /// A required operation is called.
    Call(u32),
    /// A required operation is over.
    Return(u32),
    /// One more optional operation of a class is there from now on.
    Offer(u32),
}

pub(crate) struct Problem {
    pub(crate) required: Vec<Required>,
    pub(crate) classes: Vec<Class>,
    pub(crate) events: Vec<Event>,
    /// How many required operations run at once at most.
    pub(crate) width: u32,
}

impl Problem {
    pub(crate) fn new(history: &History, steps: &Steps) -> Self {
        let mut problem = Self {
            required: Vec::with_capacity(steps.steps.len()),
            classes: Vec::new(),
            events: Vec::with_capacity(steps.steps.len() * 2),
            width: 0,
        };
        let call = |step: &Step| history.operations[step.index as usize].call.at;
        let mut sorted;
        let steps = if steps.steps.is_sorted_by_key(call) {
            steps
        } else {
            // A history is in the order of its calls, and the searches rest on it: better sorted than believed.
            sorted = Steps { steps: steps.steps.clone(), pure: steps.pure.clone() };
            sorted.steps.sort_by_key(call);
            &sorted
        };
        let mut classes = vec![NONE; steps.pure.len()];
        for (moment, event) in problem.ends(history, steps) {
            let place = number_of(problem.events.len());
            match event {
                Event::Offer(step) => problem.offer(steps.steps[step as usize], place, &mut classes),
                Event::Call(operation) => {
                    problem.required[operation as usize].start = place;
                    problem.events.push(event);
                }
                Event::Return(operation) => {
                    problem.required[operation as usize].finish = if moment == u64::MAX { NONE } else { place };
                    problem.events.push(event);
                }
            }
        }
        problem.place();
        problem
    }

    /// Collects the required operations, and returns all events with their moments, in order; offers by their step.
    fn ends(&mut self, history: &History, steps: &Steps) -> Vec<(u64, Event)> {
        let mut calls = Vec::with_capacity(steps.steps.len());
        let mut returns = Vec::with_capacity(steps.steps.len());
        for (place, step) in (0_u32..).zip(&steps.steps) {
            let operation = &history.operations[step.index as usize];
            if !step.required {
                calls.push((operation.call.at, Event::Offer(place)));
                continue;
            }
            let number = number_of(self.required.len());
            let pure = steps.pure[step.code as usize];
            let required = Required { code: step.code, pure, index: step.index, start: 0, finish: NONE, slot: 0 };
            self.required.push(required);
            calls.push((operation.call.at, Event::Call(number)));
            // It must have happened even where no end is recorded: then at the end of all.
            returns.push((operation.finish(), Event::Return(number)));
        }
        returns.sort_unstable_by_key(|&(moment, _)| moment);
        merge(calls, &returns)
    }

    fn offer(&mut self, step: Step, place: u32, classes: &mut [u32]) {
        let class = &mut classes[step.code as usize];
        if *class == NONE {
            *class = number_of(self.classes.len());
            self.classes.push(Class { code: step.code, members: Vec::new() });
        }
        self.classes[*class as usize].members.push((step.index, place));
        self.events.push(Event::Offer(*class));
    }

    /// Gives each required operation a slot that no other holds at the same time.
    fn place(&mut self) {
        let mut free = Vec::new();
        for event in &self.events {
            match *event {
                Event::Call(operation) => {
                    let slot = free.pop().unwrap_or_else(|| {
                        self.width += 1;
                        self.width - 1
                    });
                    self.required[operation as usize].slot = slot;
                }
                Event::Return(operation) => free.push(self.required[operation as usize].slot),
                Event::Offer(_) => {}
            }
        }
    }
}

/// Both in order; at one moment calls come first, so that such operations are taken to overlap.
fn merge(calls: Vec<(u64, Event)>, returns: &[(u64, Event)]) -> Vec<(u64, Event)> {
    let mut events = Vec::with_capacity(calls.len() + returns.len());
    let mut rest = returns.iter().copied().peekable();
    for call in calls {
        while let Some(end) = rest.next_if(|end| end.0 < call.0) {
            events.push(end);
        }
        events.push(call);
    }
    events.extend(rest);
    events
}
