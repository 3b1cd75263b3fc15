/*
 * cxx_virtual: objects of a class hierarchy which own each other; the first
 * word of each says of what class it is.
 *
 * expect: cycle count=1 blocks=3 retained=3
 * expect: type Square
 */
#include "truth.h"

struct Shape {
	virtual ~Shape()
	{
	}
	virtual double area() const = 0;
	Shape *neighbour = nullptr;
};

struct Circle : Shape {
	double radius = 1;
	double area() const override
	{
		return radius * radius * 3;
	}
};

struct Square : Shape {
	double side = 1;
	double area() const override
	{
		return side * side;
	}
};

static void work()
{
	Shape *shapes[] = {new Square, new Circle, new Square};
	for (int i = 0; i < 3; i++)
		shapes[i]->neighbour = shapes[(i + 1) % 3];
	opaque(shapes);
}

int main()
{
	certainly(work);
	return 0;
}
