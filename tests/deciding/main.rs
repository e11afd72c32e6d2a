//! `retention::decide` against an oracle that reads the design by brute force, and against what must hold of any plan.

mod a_second_time_changes_nothing;
mod cases;
mod fewer_links_are_never_more;
mod figures_add_up;
mod going;
mod knowing_less_is_never_more;
mod large;
mod once_it_went_wrong;
mod oracle;
mod oracle_pushes;
mod oracle_rules;
mod oracle_untagged;
mod oracle_use;
mod order_changes_nothing;
mod policies;
mod stored;
mod stricter_is_never_more;
mod ten_thousand_tags;
mod the_oracle_agrees;
mod versions;
mod what_is_in_use_stays;
mod what_is_kept_is_never_lost;
mod world;
